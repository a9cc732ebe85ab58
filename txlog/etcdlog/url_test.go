package etcdlog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestURLsAreTakenApart(t *testing.T) {
	for _, r := range []struct {
		url       string
		endpoints []string
		prefix    string
		check     func(*testing.T, *place)
	}{
		{"etcd://h1/xapg/bank", []string{"http://h1:2379"}, "/xapg/bank/", nil},
		{"etcd://h1:2379,h2:1,h3/xapg/bank/", []string{"http://h1:2379", "http://h2:1", "http://h3:2379"}, "/xapg/bank/", nil},
		{"etcd://[::1]:7,[fe80::1]/p", []string{"http://[::1]:7", "http://[fe80::1]:2379"}, "/p/", nil},
		{"etcds://h1/p", []string{"https://h1:2379"}, "/p/", nil},
		{"etcd://h1/p%2Fq?tls=on&timeout=3s", []string{"https://h1:2379"}, "/p/q/", func(t *testing.T, p *place) {
			assert.Equal(t, 3*time.Second, p.timeout)
		}},
		{"etcd://h1/p?cacert=/ca.pem&cert=/c.pem&key=/k.pem&server_name=db", []string{"https://h1:2379"}, "/p/", func(t *testing.T, p *place) {
			assert.Equal(t, "/ca.pem", p.tls.TrustedCAFile)
			assert.Equal(t, "/c.pem", p.tls.CertFile)
			assert.Equal(t, "/k.pem", p.tls.KeyFile)
			assert.Equal(t, "db", p.tls.ServerName)
		}},
		{"etcd://ann:p%40ss@h1,h2/p", []string{"http://h1:2379", "http://h2:2379"}, "/p/", func(t *testing.T, p *place) {
			assert.Equal(t, "ann", p.user)
			assert.Equal(t, "p@ss", p.password)
			assert.Equal(t, "etcd://ann@h1,h2/p", p.where)
		}},
		{"etcd://h1/p?user=ann&password=a%26b", []string{"http://h1:2379"}, "/p/", func(t *testing.T, p *place) {
			assert.Equal(t, "a&b", p.password)
			assert.Equal(t, "etcd://h1/p", p.where)
		}},
	} {
		t.Run(r.url, func(t *testing.T) {
			p, err := parse(r.url)
			require.NoError(t, err)
			assert.Equal(t, r.endpoints, p.endpoints)
			assert.Equal(t, r.prefix, p.prefix)
			if r.check != nil {
				r.check(t, p)
			}
		})
	}
}

func TestURLsThatAreWrongSayWhy(t *testing.T) {
	for url, says := range map[string]string{
		"etcd:h1/p":                         "write etcd://",
		"http://h1/p":                       "write etcd://",
		"etcd://h1":                         "no prefix",
		"etcd://h1/":                        "no prefix",
		"etcd:///p":                         "host that is empty",
		"etcd://h1,,h2/p":                   "host that is empty",
		"etcd://h1/p?tsl=on":                "valid are cacert, cert, key, password, server_name, timeout, tls, user",
		"etcd://h1/p?tls=yes":               "valid are on and off",
		"etcds://h1/p?tls=off":              "asks for TLS all the same",
		"etcd://h1/p?tls=off&cacert=/ca":    "asks for TLS all the same",
		"etcd://h1/p?cert=/c":               "only one of cert and key",
		"etcd://h1/p?user=ann":              "only one of user and password",
		"etcd://ann@h1/p":                   "only one of user and password",
		"etcd://h1:x/p":                     "not understood",
		"etcd://ann:p/q@h1/p":               "percent-encoded",
		"etcd://h1/p?timeout=3":             "valid is a duration",
		"etcd://h1/p?timeout=1ms":           "100ms or more",
		"etcd://h1/p?timeout=1s&timeout=2s": "2 times",
	} {
		_, err := parse(url)
		assert.ErrorContains(t, err, says, url)
	}
}

func TestTheEnvironmentStandsInForWhatTheURLLeavesOut(t *testing.T) {
	for name, value := range map[string]string{"USER": "ann", "PASSWORD": "b%4e:@/", "CACERT": "/ca.pem", "CERT": "/c.pem", "KEY": "/k.pem"} {
		t.Setenv("XAPG_ETCD_"+name, value)
	}
	p, err := parse("etcd://h1/p")
	require.NoError(t, err)
	assert.Equal(t, []string{"ann", "b%4e:@/", "/ca.pem", "/c.pem", "/k.pem"}, []string{p.user, p.password, p.tls.TrustedCAFile, p.tls.CertFile, p.tls.KeyFile})
	assert.Equal(t, []string{"https://h1:2379"}, p.endpoints)

	p, err = parse("etcd://bob:tea@h1/p?cacert=/other.pem")
	require.NoError(t, err)
	assert.Equal(t, []string{"bob", "tea", "/other.pem"}, []string{p.user, p.password, p.tls.TrustedCAFile}, "what it says comes first")
}
