// Command xapg is for those who operate a cluster of xapg.
//
//	xapg check DSN            can every shard do its part?
//	xapg route DSN SQL [ARG…] where would a statement go, and why?
//	xapg txns DSN             which transactions are in doubt, and what do they wait for?
//	xapg txns show DSN ID     all that is known of one
//	xapg resolve DSN [ID…]    finish them now
//	xapg resolve --watch DSN  finish them from now on: a backup for the applications
//	xapg resolve DSN ID --force commit|abort --reason …
//	                          end one whose log is lost
//	xapg log export|import|verify
//	                          move the decision log to another store
//
// DSN is what the application opens: the path of a configuration file, or
// keywords; the environment variable XAPG_DSN stands in for it. Output is a table,
// or JSON with --json.
//
// Exit status: 0 all is well; 1 something is wrong, or in doubt, or the statement
// is refused; 2 the command or the configuration cannot be understood; 3 a shard
// or the log cannot be reached.
package main

import (
	"os"

	"github.com/xapg/xapg/cmd/xapg/command"
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
