//go:build !linux

package sqlitelog

// networkName recognizes network file systems on Linux only. Elsewhere, one that
// cannot lock or share memory shows when SQLite tries to.
func networkName(string) (string, error) { return "", nil }
