package xadriver_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(crashDSN) != "" {
		crashChild()
	}
	code := m.Run()
	if sharedCluster != nil {
		_ = sharedCluster.Close()
	}
	if bench.cluster != nil {
		_ = bench.cluster.Close()
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString("leaked: " + err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}
