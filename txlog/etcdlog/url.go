package etcdlog

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xapg/xapg/txlog"
	"go.etcd.io/etcd/client/pkg/v3/transport"
)

const (
	defaultPort    = "2379"
	defaultTimeout = 10 * time.Second
	minTimeout     = 100 * time.Millisecond
)

// place is a URL, taken apart.
type place struct {
	where     string // for messages, without secrets
	endpoints []string
	prefix    string
	secure    bool
	tls       transport.TLSInfo
	user      string
	password  string
	timeout   time.Duration
}

// parameters are the ones that a URL can have, with the environment variables that
// stand in for some of them.
var parameters = map[string]string{
	"tls": "", "cacert": "XAPG_ETCD_CACERT", "cert": "XAPG_ETCD_CERT", "key": "XAPG_ETCD_KEY", "server_name": "",
	"user": "XAPG_ETCD_USER", "password": "XAPG_ETCD_PASSWORD", "timeout": "",
}

// parse reads a URL. Package net/url knows no lists of hosts.
func parse(raw string) (*place, error) {
	p := &place{where: txlog.Redact(raw)}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("etcdlog: the decision log's URL %s %s", p.where, fmt.Sprintf(format, args...))
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || scheme != "etcd" && scheme != "etcds" {
		return nil, wrong("is not understood; write etcd://HOST:PORT,HOST:PORT,HOST:PORT/PREFIX")
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		hosts, path = rest[:i], rest[i:]
	}
	values, err := readParameters(query)
	if err != nil && !strings.HasPrefix(p.where, scheme) {
		err = errors.New("is not understood; odd characters in a password are to be percent-encoded") // where its end is nobody knows
	}
	if err != nil {
		return nil, wrong("%v", err)
	}
	if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
		user, password, _ := strings.Cut(hosts[:i], ":")
		hosts = hosts[i+1:]
		for name, part := range map[string]string{"user": user, "password": password} {
			if values[name], err = url.PathUnescape(part); err != nil {
				return nil, wrong("has a wrong percent sign before the hosts")
			}
		}
	}
	for name, variable := range parameters {
		if values[name] == "" && variable != "" {
			values[name] = os.Getenv(variable)
		}
	}
	if err := p.apply(scheme, values); err != nil {
		return nil, wrong("%v", err)
	}
	if strings.Contains(path, "@") { // what seems to be the hosts may be a part of the password
		return nil, wrong("has an @ after a slash; odd characters in a user or a password are to be percent-encoded")
	}
	if p.prefix, err = url.PathUnescape(path); err != nil {
		return nil, wrong("has a wrong percent sign in its prefix")
	}
	if p.prefix = strings.TrimRight(p.prefix, "/") + "/"; p.prefix == "/" {
		return nil, wrong("has no prefix for the log's keys; write it after the hosts, such as /xapg/bank")
	}
	if p.endpoints, err = endpoints(hosts, p.secure); err != nil {
		return nil, wrong("%v", err)
	}
	return p, nil
}

func readParameters(query string) (map[string]string, error) {
	all, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("has parameters that are not percent-encoded") // err may show a part of a password
	}
	values := make(map[string]string)
	for name, list := range all {
		if _, known := parameters[name]; !known {
			return nil, fmt.Errorf("has the parameter %q, which does not exist; valid are %s", name,
				strings.Join(slices.Sorted(maps.Keys(parameters)), ", "))
		}
		if len(list) != 1 {
			return nil, fmt.Errorf("has the parameter %s %d times", name, len(list))
		}
		values[name] = list[0]
	}
	return values, nil
}

func (p *place) apply(scheme string, values map[string]string) error {
	p.user, p.password = values["user"], values["password"]
	if (p.user == "") != (p.password == "") {
		return errors.New("has only one of user and password")
	}
	p.tls = transport.TLSInfo{TrustedCAFile: values["cacert"], CertFile: values["cert"], KeyFile: values["key"], ServerName: values["server_name"]}
	if (p.tls.CertFile == "") != (p.tls.KeyFile == "") {
		return errors.New("has only one of cert and key")
	}
	given := p.tls.TrustedCAFile != "" || p.tls.CertFile != "" || p.tls.ServerName != ""
	switch values["tls"] {
	case "":
		p.secure = scheme == "etcds" || given
	case "on":
		p.secure = true
	case "off":
		if scheme == "etcds" || given {
			return errors.New("has tls=off and asks for TLS all the same")
		}
	default:
		return errors.New("has a wrong value of tls; valid are on and off")
	}
	p.timeout = defaultTimeout
	if given := values["timeout"]; given != "" {
		d, err := time.ParseDuration(given)
		if err != nil || d < minTimeout {
			return fmt.Errorf("has a wrong value of timeout; valid is a duration of %v or more, such as %v", minTimeout, defaultTimeout)
		}
		p.timeout = d
	}
	return nil
}

// endpoints lists the members as the client wants them.
func endpoints(hosts string, secure bool) ([]string, error) {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	var list []string
	for part := range strings.SplitSeq(hosts, ",") {
		host, port, err := net.SplitHostPort(part)
		if err != nil { // no port
			host, port = strings.TrimSuffix(strings.TrimPrefix(part, "["), "]"), defaultPort
		}
		number, err := strconv.ParseUint(cmp.Or(port, defaultPort), 10, 16)
		if host == "" || strings.ContainsAny(host, "/[] ") || err != nil || number == 0 {
			return nil, errors.New("has a host that is empty or not understood; write HOST:PORT,HOST:PORT")
		}
		list = append(list, scheme+"://"+net.JoinHostPort(host, cmp.Or(port, defaultPort)))
	}
	return list, nil
}
