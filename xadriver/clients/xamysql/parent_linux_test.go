package xamysql_test

import "syscall"

// dieWithParent lets a server go down with tests that are killed.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
