// Package clients runs other libraries over xapg: a package for each. Its module is
// one of its own, so that programs which use xapg do not inherit what it needs.
package clients

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// row is a line of the README's table: the library, and where it is tested.
var row = regexp.MustCompile(`(?m)^\| ([A-Za-z-]+) \| .+ \| \[clients/([a-z]+)\]\(xadriver/clients/([a-z]+)\) \|$`)

func TestEveryLibraryOfTheReadmeIsTestedAndDescribed(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	pages, err := os.ReadFile("../../docs/clients.md")
	require.NoError(t, err)
	listed := make(map[string]bool)
	for _, r := range row.FindAllStringSubmatch(string(readme), -1) {
		listed[r[3]] = true
		assert.Equal(t, r[2], r[3])
		tests, err := filepath.Glob(filepath.Join(r[3], "*_test.go"))
		require.NoError(t, err)
		assert.Greater(t, len(tests), 1, "%s is not tested", r[1])
		assert.Contains(t, string(pages), "\n## "+r[1]+"\n", "%s has no page", r[1])
	}
	dirs, err := filepath.Glob("*/main_test.go")
	require.NoError(t, err)
	assert.Len(t, listed, len(dirs), "a library is tested that the README does not list")
}
