package sqlitelog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLocalFileSystemsAreNotTakenForNetworkOnes(t *testing.T) {
	for _, dir := range []string{t.TempDir(), "/"} {
		name, err := networkName(dir)
		require.NoError(t, err)
		assert.Empty(t, name, dir)
	}
	_, err := networkName(filepath.Join(t.TempDir(), "nowhere"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestNetworkFileSystemsInUserSpaceAreFoundAmongMounts(t *testing.T) {
	mounts := strings.TrimLeft(`
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:51 / /mnt/far rw,nosuid shared:9 master:1 - fuse.sshfs me@far:/srv rw,user_id=0
41 22 0:52 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw
42 22 0:53 / /mnt/bind\040fs rw - fuse.bindfs /srv rw
43 22 0:54 / /mnt/g rw shared:3 - fuse.glusterfs host:/vol rw
broken line
`, "\n")
	for device, want := range map[string]string{
		"0:51": "sshfs", "0:54": "glusterfs", "0:52": "", "0:53": "", "254:0": "", "9:9": "", "0:5": "",
	} {
		assert.Equal(t, want, fuseInMounts(mounts, device), device)
	}
}
