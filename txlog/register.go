package txlog

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Opener opens the log that a URL leads to, and creates it if there is none. What it
// says of a URL shows no secrets: see [Redact].
type Opener func(ctx context.Context, url string, o OpenOptions) (Log, error)

// OpenOptions says who opens a log, and how.
type OpenOptions struct {
	// Cluster is the name of the cluster whose transactions the log decides: 1 to 16
	// of a-z, 0-9 and '-'. A log is created with it, and opens with no other.
	Cluster string

	// By tells who opens the log, such as a host, a process and a program: it is kept
	// with the mark. At most 200 bytes are kept.
	By string

	// Logger is told what a store does in the background. Nil is slog.Default().
	Logger *slog.Logger

	// Sealed opens a log even if it was sealed, for reading it and for [Mover.Unseal].
	Sealed bool

	// Contents, when given, is what the new log begins with. The place must be empty:
	// an existing log is refused with a [*ForeignError]. All of it is stored, or
	// nothing that opens as a log.
	Contents *Contents
}

var stores = struct {
	sync.RWMutex
	open map[string]Opener
}{open: make(map[string]Opener)}

// kinds says, for the schemes of this project's stores, what their URLs look like and
// which package a program imports to have them.
var kinds = map[string]struct{ example, path string }{
	"sqlite":     {"sqlite:PATH", "github.com/xapg/xapg/txlog/sqlitelog"},
	"postgres":   {"postgres://USER@HOST/DATABASE", "github.com/xapg/xapg/txlog/pglog"},
	"postgresql": {"postgresql://USER@HOST/DATABASE", "github.com/xapg/xapg/txlog/pglog"},
	"etcd":       {"etcd://HOST,HOST,HOST/PREFIX", "github.com/xapg/xapg/txlog/etcdlog"},
	"etcds":      {"etcds://HOST,HOST,HOST/PREFIX", "github.com/xapg/xapg/txlog/etcdlog"},
}

// Register makes a store known by the scheme of its URLs, as a store's package does
// when it is imported. It panics if the scheme is taken.
func Register(scheme string, open Opener) {
	stores.Lock()
	defer stores.Unlock()
	if open == nil {
		panic("txlog: Register without an opener for " + scheme)
	}
	if _, taken := stores.open[scheme]; taken {
		panic("txlog: Register called twice for " + scheme)
	}
	stores.open[scheme] = open
}

// Examples lists the forms of the URLs that [Open] takes in this program.
func Examples() []string {
	stores.RLock()
	defer stores.RUnlock()
	var list []string
	for _, scheme := range slices.Sorted(maps.Keys(stores.open)) {
		if scheme != "postgresql" { // the long form of postgres
			list = append(list, example(scheme))
		}
	}
	return list
}

func example(scheme string) string {
	if k, ok := kinds[scheme]; ok {
		return k.example
	}
	return scheme + "://…"
}

// URLError says that no store is known for a URL, which it does not show.
type URLError struct {
	Problem string
	Valid   []string // what would be right
}

func (e *URLError) Error() string {
	if len(e.Valid) == 0 {
		return "txlog: " + e.Problem
	}
	return "txlog: " + e.Problem + "; write " + strings.Join(e.Valid, " or ")
}

// CheckURL tells, by a [*URLError], whether there is a store for a URL, without
// opening it.
func CheckURL(url string) error {
	_, err := opener(url)
	return err
}

// Open opens the log that a URL leads to, and creates it if there is none. The
// context bounds the opening only.
func Open(ctx context.Context, url string, o OpenOptions) (Log, error) {
	open, err := opener(url)
	if err != nil {
		return nil, err
	}
	return open(ctx, url, o)
}

func opener(url string) (Opener, error) {
	scheme, rest, ok := strings.Cut(url, ":")
	stores.RLock()
	open, known := stores.open[scheme]
	stores.RUnlock()
	switch k, ours := kinds[scheme]; {
	case ok && known && strings.Trim(rest, "/") != "":
		return open, nil
	case ok && known:
		return nil, &URLError{Problem: "this log has no place", Valid: []string{example(scheme)}}
	case ok && ours:
		return nil, &URLError{Problem: fmt.Sprintf("logs in %s are no part of this program: import _ %q in it", scheme, k.path)}
	default:
		return nil, &URLError{Problem: "this kind of log is not known", Valid: Examples()}
	}
}

var (
	plainHosts = regexp.MustCompile(`^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9_.-]*)(:[0-9]{1,5})?(,(\[[0-9a-fA-F:]+\]|[A-Za-z0-9_.-]*)(:[0-9]{1,5})?)*$`)
	plainPath  = regexp.MustCompile(`^(/[A-Za-z0-9_.-]*)*$`)
	plainUser  = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
)

// Redact shows where a log's URL leads and nothing that it may keep secret: no
// password and no parameters. Of a URL that is not understood it shows nothing, as
// its password may be anywhere.
func Redact(url string) string {
	const hidden = "(not shown)"
	if strings.HasPrefix(url, "sqlite:") || url == "" {
		return url
	}
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || !plainUser.MatchString(scheme) {
		return hidden
	}
	rest, _, _ = strings.Cut(rest, "?")
	hosts, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		hosts, path = rest[:i], rest[i:]
	}
	user := ""
	if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
		user, hosts = hosts[:i], hosts[i+1:]
		if user, _, _ = strings.Cut(user, ":"); !plainUser.MatchString(user) {
			return hidden
		}
		user += "@"
	}
	if !plainHosts.MatchString(hosts) || !plainPath.MatchString(path) {
		return hidden
	}
	return scheme + "://" + user + hosts + path
}
