package xamysql

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Numbers of MySQL's and MariaDB's errors.
const (
	accessDenied = 1227 // ER_SPECIFIC_ACCESS_DENIED_ERROR
	xaerNota     = 1397 // unknown XID
	xaerInval    = 1398 // invalid arguments
	xaerRmfail   = 1399 // not in this state
	xaerOutside  = 1400 // work is being done outside of the branch
	xaRollback   = 1402 // the branch was rolled back
	xaTimeout    = 1613 // rolled back: it took too long
	xaDeadlock   = 1614 // rolled back: it was a deadlock's victim
)

var errorNumber = regexp.MustCompile(`(?i)\berror (\d{4})\b`)

// number is that of a server's error, 0 where the error is not a server's.
func number(err error) int {
	if err == nil {
		return 0
	}
	m := errorNumber.FindStringSubmatch(err.Error())
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// refusal reports whether the error of XA PREPARE or of a one-phase XA COMMIT means
// that it was not done. XAER_RMERR (1401) is not among them, as it leaves that open.
func refusal(err error) bool {
	switch number(err) {
	case xaerInval, xaerRmfail, xaerOutside, xaRollback, xaTimeout, xaDeadlock:
		return true
	default:
		return false
	}
}

// VersionError says that a server is too old: it rolls a prepared branch back, or
// forgets it, when the connection ends.
type VersionError struct {
	Resource, Version string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("xamysql: resource %s is of version %q, which does not keep prepared branches when their connection ends: MySQL 5.7.7 or later, or MariaDB 10.5 or later, is needed",
		e.Resource, e.Version)
}

// check looks once what server it is.
func (r *Resource) check(ctx context.Context, conn *sql.Conn) error {
	if r.checked.Load() {
		return nil
	}
	var version string
	if err := conn.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return err
	}
	if !fit(version) {
		return &VersionError{r.name, version}
	}
	r.checked.Store(true)
	return nil
}

var versionNumbers = regexp.MustCompile(`^(\d+)\.(\d+)(?:\.(\d+))?`)

// fit reports whether servers of a version keep prepared branches.
func fit(version string) bool {
	lower := strings.ToLower(version)
	m := versionNumbers.FindStringSubmatch(version)
	if m == nil || strings.Contains(lower, "tidb") { // speaks MySQL's protocol, and has no XA
		return false
	}
	least := [3]int{5, 7, 7}
	if strings.Contains(lower, "mariadb") {
		least = [3]int{10, 5, 0}
	}
	for i, want := range least {
		have, _ := strconv.Atoi(m[i+1])
		if have != want {
			return have > want
		}
	}
	return true
}
