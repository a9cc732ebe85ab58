package main

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain is also the process that is killed in mid-payment.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-child") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestTheStoryHolds(t *testing.T) {
	require.NoError(t, run(t.Context(), options{load: time.Second, clients: 4, accounts: 50, consistent: true}))
}
