// Command member is one member of an etcd cluster, for the tests of etcdlog: the
// server as it is, in a process that can be stopped, frozen and killed. It is a
// program of its own so that the tests' race detector does not slow it down.
//
// It writes "ready" when it takes part, and ends with its standard input.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

func main() {
	c := embed.NewConfig()
	flag.StringVar(&c.Name, "name", "", "the member's name")
	flag.StringVar(&c.Dir, "dir", "", "where its data are")
	flag.StringVar(&c.InitialCluster, "cluster", "", "all members")
	flag.Int64Var(&c.QuotaBackendBytes, "quota", 0, "how large its database may get")
	flag.StringVar(&c.ClientTLSInfo.CertFile, "cert", "", "its certificate, for TLS")
	flag.StringVar(&c.ClientTLSInfo.KeyFile, "key", "", "its key")
	fsync := flag.Bool("fsync", false, "whether it outlives its machine, as for measurements")
	client := flag.String("client", "", "its address for clients")
	peer := flag.String("peer", "", "its address for other members")
	flag.Parse()

	scheme := "http"
	if c.ClientTLSInfo.CertFile != "" {
		scheme = "https"
	}
	c.ListenClientUrls = []url.URL{{Scheme: scheme, Host: *client}}
	c.ListenPeerUrls = []url.URL{{Scheme: "http", Host: *peer}}
	c.AdvertiseClientUrls, c.AdvertisePeerUrls = c.ListenClientUrls, c.ListenPeerUrls
	if !*fsync { // members are only killed, and their data may be in memory
		c.UnsafeNoFsync, wal.SegmentSizeBytes = true, 4<<20
	}
	c.InitialClusterToken = "xapg-tests"
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	e, err := embed.StartEtcd(c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		os.Exit(1)
	}
	<-e.Server.ReadyNotify()
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	e.Close()
}
