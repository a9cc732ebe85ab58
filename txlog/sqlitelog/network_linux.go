package sqlitelog

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// fuseMagic is what every file system that runs in user space has.
const fuseMagic = 0x65735546

// networkMagics are the file systems that several hosts may have mounted at once,
// by the number that statfs(2) gives.
var networkMagics = map[uint32]string{
	0x00006969: "NFS",
	0x0000517b: "SMB",
	0x0000564c: "NCP",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x01021997: "9p",
	0x5346414f: "AFS",
	0x6b414653: "AFS",
	0x73757245: "Coda",
	0x00c36400: "Ceph",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0x01161970: "GFS2",
	0x7461636f: "OCFS2",
	0x19830326: "BeeGFS",
	0xaad7aaea: "PanFS",
	0x20030528: "OrangeFS",
	0x786f4256: "VirtualBox shared folder",
	0xbacbacbc: "VMware shared folder",
}

// networkFUSE are the network file systems among those in user space, as mount
// options name them after "fuse.".
var networkFUSE = []string{"sshfs", "glusterfs", "ceph-fuse", "s3fs", "rclone", "gcsfuse", "juicefs", "davfs",
	"curlftpfs", "smbnetfs", "blobfuse", "blobfuse2", "mount-s3", "seaweedfs", "lizardfs", "moosefs", "mfs"}

// networkName names the network file system that dir is on, or returns "".
func networkName(dir string) (string, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return "", &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	magic := uint32(fs.Type)
	if magic == fuseMagic {
		return networkFUSEName(dir)
	}
	return networkMagics[magic], nil
}

// networkFUSEName looks dir's device up among the mounts, which tell what a file
// system in user space really is.
func networkFUSEName(dir string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", nil // a system without /proc: the shards' marks still tell a second log
	}
	device := fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
	return fuseInMounts(string(mounts), device), nil
}

// fuseInMounts finds the network file system of a device in the text of
// /proc/self/mountinfo, see proc_pid_mountinfo(5).
func fuseInMounts(mounts, device string) string {
	for line := range strings.Lines(mounts) {
		mount, kind, ok := strings.Cut(line, " - ")
		if !ok {
			continue
		}
		if fields := strings.Fields(mount); len(fields) < 3 || fields[2] != device {
			continue
		}
		for _, name := range networkFUSE {
			if strings.HasPrefix(kind, "fuse."+name+" ") {
				return name
			}
		}
	}
	return ""
}
