package deadlock

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// longest is how much of a statement an error shows.
const longest = 400

// Verdict is the error that the victim's statement ends with, in PostgreSQL's words. Its
// detail names every transaction of the circle, beginning with the victim.
func (c *Circle) Verdict() pgconn.PgError {
	at := 0
	for i, e := range c.Edges {
		if e.From == c.Victim {
			at = i
		}
	}
	var waits, statements strings.Builder
	for i := range c.Edges {
		e := c.Edges[(at+i)%len(c.Edges)]
		by := fmt.Sprintf("process %d", e.blocker())
		if e.Session == nil {
			by = "prepared"
		}
		fmt.Fprintf(&waits, "Transaction %s waits on shard %s (process %d) for %s on %s; blocked by transaction %s (%s).\n",
			e.From.Name, e.View.Shard, e.Wait.PID, e.Wait.Mode, e.Wait.What, e.To.Name, by)
		statement := "(its statement cannot be seen)"
		if s := e.View.Session(e.Wait.PID); s != nil && s.Query != "" {
			statement = s.Statement()
		}
		if r := []rune(statement); len(r) > longest {
			statement = string(r[:longest]) + "…"
		}
		fmt.Fprintf(&statements, "Transaction %s on shard %s: %s\n", e.From.Name, e.View.Shard, statement)
	}
	return pgconn.PgError{
		Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "40P01", Message: "deadlock detected",
		Detail: strings.TrimSuffix(waits.String()+statements.String(), "\n"),
		Hint:   "The youngest transaction of the circle was cancelled, the others go on: run it again.",
	}
}
