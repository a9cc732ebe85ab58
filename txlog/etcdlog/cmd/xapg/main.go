// Command xapg is the operator's command of github.com/xapg/xapg/cmd/xapg, with
// decision logs in etcd: it has the same commands, and understands log=etcd://….
//
//	go install github.com/xapg/xapg/txlog/etcdlog/cmd/xapg@latest
package main

import (
	"os"

	"github.com/xapg/xapg/cmd/xapg/command"
	_ "github.com/xapg/xapg/txlog/etcdlog" // log=etcd://…
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
