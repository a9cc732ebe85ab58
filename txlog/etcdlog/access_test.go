package etcdlog_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/etcdlog"
)

// one starts a cluster of one member, for a test that spoils it.
func one(t *testing.T, args ...string) *cluster {
	t.Helper()
	c, err := startCluster(1, args...)
	require.NoError(t, err)
	t.Cleanup(c.close)
	return c
}

func TestUsersArePutToTheTest(t *testing.T) {
	t.Parallel()
	c := one(t)
	client, ctx := c.client(t), t.Context()
	const secret = "b%4e:@/s3cret"
	for _, do := range []func() error{
		func() error { _, err := client.UserAdd(ctx, "root", "root"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := client.RoleAdd(ctx, "bank"); return err },
		func() error { _, err := client.RoleGrantPermission(ctx, "bank", "/bank/", "/bank0", 2); return err },
		func() error { _, err := client.UserAdd(ctx, "app", secret); return err },
		func() error { _, err := client.UserGrantRole(ctx, "app", "bank"); return err },
		func() error { _, err := client.AuthEnable(ctx); return err },
	} {
		require.NoError(t, do())
	}
	at := func(path string) string { return c.url(path) + "?timeout=1m" } // signing in is slow
	inFront := func(path string) string {
		return strings.Replace(at(path), "://", "://app:b%254e%3A%40%2Fs3cret@", 1)
	}
	commit(t, openLog(t, inFront("/bank")))
	commit(t, openLog(t, at("/bank")+"&user=app&password=b%254e%3A%40%2Fs3cret"))

	for what, place := range map[string]string{
		"nobody":              at("/bank"),
		"a wrong password":    at("/bank") + "&user=app&password=s3cre",
		"nobody known":        at("/bank") + "&user=s3cret-agent&password=s3cret",
		"another's prefix":    inFront("/casino"),
		"no password":         at("/bank") + "&user=s3cret-agent",
		"a broken escape":     at("/bank") + "&user=app&password=%zzs3cret",
		"an unknown setting":  at("/bank") + "&passwrd=s3cret",
		"a broken front":      strings.Replace(at("/bank"), "://", "://app:%zzs3cret@", 1),
		"a password's slash":  strings.Replace(at("/bank"), "://", "://app:b/s3cret@", 1),
		"a password's at":     strings.Replace(at("/bank"), "://", "://app:b@s3cret@", 1),
		"a password's escape": strings.Replace(at("/bank"), "://", "://app:b?s3cret@", 1),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			_, err := open(ctx, place, "bank")
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "s3cre")
			t.Log(err)
		})
	}

	l := openLog(t, inFront("/bank"))
	commit(t, l)

	// A permission that is taken away is a refusal, which stores nothing.
	admin := adminOf(t, c)
	_, err := admin.RoleRevokePermission(ctx, "bank", "/bank/", "/bank0")
	require.NoError(t, err)
	_, err = l.Decide(ctx, newID(), txlog.Commit, shards)
	require.ErrorIs(t, err, txlog.ErrNotStored)
	require.ErrorContains(t, err, "grant-permission")
	_, err = admin.RoleGrantPermission(ctx, "bank", "/bank/", "/bank0", 2)
	require.NoError(t, err)
	commit(t, l)
}

// A database that is full is the one refusal that may come with the decision stored.
func TestAFullClusterIsNotSaidToHaveStoredNothingWhenItHas(t *testing.T) {
	t.Parallel()
	c := one(t, "-quota", "4000000")
	l := openLog(t, c.url("/full")+"?timeout=1m") // each request is answered
	big := named(strings.Repeat("x", 100_000))
	var mu sync.Mutex
	var ids []uuid.UUID
	var answers []told
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 60 {
				id := newID()
				got, err := l.Decide(t.Context(), id, txlog.Commit, big)
				mu.Lock()
				ids, answers = append(ids, id), append(answers, told{got, err})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	full, stored := 0, 0
	for i, id := range ids {
		_, err := l.Lookup(t.Context(), id)
		if answers[i].err == nil {
			stored++
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, answers[i].err, txlog.ErrNotStored, "each request was answered")
		require.ErrorContains(t, answers[i].err, "defrag")
		require.ErrorIs(t, err, txlog.ErrNoDecision)
		full++
	}
	assert.Positive(t, stored)
	assert.Positive(t, full)
	got, err := l.Decide(t.Context(), ids[0], txlog.Abort, shards)
	require.NoError(t, err, "what was decided can be told")
	assert.Equal(t, answers[0].got, got)
}

func TestTheConnectionMayBeEncrypted(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	c := one(t, "-cert", cert, "-key", key)
	c.scheme = "etcds"
	commit(t, openLog(t, c.url("/bank")+"?cacert="+cert))
	c.scheme = "etcd"
	commit(t, openLog(t, c.url("/bank")+"?tls=on&cacert="+cert))
	for what, parameters := range map[string]string{
		"in the clear":       "",
		"an unknown issuer":  "&tls=on",
		"another's name":     "&server_name=example.org&cacert=" + cert,
		"a file that is not": "&cacert=/nowhere.pem",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			_, err := etcdlog.Open(t.Context(), c.url("/bank")+"?timeout=500ms"+parameters, etcdlog.Options{Cluster: "bank"})
			require.Error(t, err)
			t.Log(err)
		})
	}
}

// certificate makes a certificate of its own issue for this host.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	der, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, kind string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600))
		return path
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "EC PRIVATE KEY", der)
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := open(ctx, three(t).place(), "bank")
	require.ErrorIs(t, err, context.Canceled)
}
