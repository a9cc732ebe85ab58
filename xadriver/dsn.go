package xadriver

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// ParseDSN reads a data source name, which is one of
//
//   - a postgres:// URL, or PostgreSQL's keywords (host=db1 dbname=app): a single
//     shard, to which the text is passed on untouched, but for the driver's own
//     settings, which have xapg. before their name here: …/app?xapg.raw=pgx;
//   - the path of a YAML file, ending in .yaml or .yml or beginning with "file:",
//     which settings may follow: /etc/app/xapg.yaml?log=sqlite:/tmp/x.db;
//   - keywords with shard.NAME=DSN for each shard, quoted as PostgreSQL's are:
//     cluster, log, home and the other scalar settings; key.TABLE=COLUMN;
//     keys=COLUMN,…; reference=TABLE,…; unsharded=TABLE,…; resources=NAME,…;
//     list.TABLE='SHARD:VALUE,…;SHARD:…' and range.TABLE='SHARD<BOUND;SHARD' for
//     tables whose key.TABLE is placed by list or range.
//
// Its errors are *ConfigError, several of them joined, and show no secrets.
func ParseDSN(dsn string) (*Config, error) {
	if path, query, ok := filePath(dsn); ok {
		return parseFile(path, query)
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") || !shardKeyword.MatchString(dsn) {
		return parseSingle(dsn)
	}
	words, err := keywords(dsn)
	if err != nil {
		return nil, err
	}
	cfg, err := fromKeywords(words)
	if err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return cfg, nil
}

var shardKeyword = regexp.MustCompile(`(^|\s)shard\.[^=\s]+\s*=`)

// filePath recognizes the path of a file, and the settings after it.
func filePath(dsn string) (path, query string, ok bool) {
	path, query, _ = strings.Cut(dsn, "?")
	if p, found := strings.CutPrefix(path, "file:"); found {
		return p, query, true
	}
	if strings.Contains(path, "://") || strings.ContainsAny(path, "=\n") {
		return "", "", false
	}
	return path, query, strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")
}

// override applies the settings that follow a file's path.
func override(cfg *Config, query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return &ConfigError{Source: "dsn", Problem: "the settings after ? cannot be read"}
	}
	for name, list := range values {
		s := settingNamed(name)
		if s == nil {
			return unknown("dsn", "", name, settingNames())
		}
		if err := s.set(cfg, list[len(list)-1]); err != nil {
			return &ConfigError{Source: "dsn", Path: name, Problem: err.Error(), Valid: []string{s.Valid}}
		}
	}
	return nil
}

// word is one keyword of a DSN.
type word struct {
	name, value string
	from, to    int // in the text
}

// keywords splits a DSN by libpq's rules: blanks around = are allowed, values are
// quoted by ', and \ escapes.
func keywords(dsn string) ([]word, error) {
	bad := func(at int, problem string) error {
		return &ConfigError{Source: "dsn", Path: fmt.Sprintf("character %d", at+1), Problem: problem}
	}
	var list []word
	for i := 0; ; {
		for i < len(dsn) && isBlank(dsn[i]) {
			i++
		}
		if i == len(dsn) {
			return list, nil
		}
		start := i
		quoted := false
		for i < len(dsn) && (quoted || dsn[i] != '=' && !isBlank(dsn[i])) {
			quoted = quoted != (dsn[i] == '"')
			i++
		}
		name := dsn[start:i]
		for i < len(dsn) && isBlank(dsn[i]) {
			i++
		}
		if i == len(dsn) || dsn[i] != '=' {
			return nil, bad(start, "a keyword without a value: write name=value, with values that hold blanks in single quotes")
		}
		i++
		for i < len(dsn) && isBlank(dsn[i]) {
			i++
		}
		value, next, ok := keywordValue(dsn, i)
		if !ok {
			return nil, bad(i, "the value that begins here has no closing quote")
		}
		i = next
		list = append(list, word{name, value, start, next})
	}
}

func keywordValue(s string, i int) (value string, next int, ok bool) {
	var b strings.Builder
	quoted := i < len(s) && s[i] == '\''
	if quoted {
		i++
	}
	for ; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quoted && s[i] == '\'':
			return b.String(), i + 1, true
		case !quoted && isBlank(s[i]):
			return b.String(), i, true
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), i, !quoted
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// fromKeywords makes a configuration of keywords.
func fromKeywords(list []word) (*Config, error) {
	cfg := &Config{Tables: make(map[string]Table)}
	seen := make(map[string]bool)
	for _, w := range list {
		if seen[w.name] {
			return nil, &ConfigError{Source: "dsn", Path: w.name, Problem: "it is given twice"}
		}
		seen[w.name] = true
		if err := cfg.keyword(w); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

func (c *Config) keyword(w word) error {
	kind, rest, dotted := strings.Cut(w.name, ".")
	if !dotted {
		return c.plainKeyword(w)
	}
	t := c.Tables[rest]
	switch kind {
	case "shard":
		c.Shards = append(c.Shards, Shard{Name: rest, DSN: w.value})
		return nil
	case "key":
		t.Key = w.value
	case "list":
		list, err := compactList(w)
		if err != nil {
			return err
		}
		t.List = list
	case "range":
		ranges, err := compactRange(w)
		if err != nil {
			return err
		}
		t.Range = ranges
	default:
		return unknown("dsn", "", w.name, []string{"shard.NAME", "key.TABLE", "list.TABLE", "range.TABLE"})
	}
	c.Tables[rest] = t
	return nil
}

func (c *Config) plainKeyword(w word) error {
	switch w.name {
	case "keys":
		c.Keys = split(w.value)
		return nil
	case "resources":
		c.AbsentResources = split(w.value)
		return nil
	case "reference", "unsharded":
		for _, name := range split(w.value) {
			t := c.Tables[name]
			t.Reference = t.Reference || w.name == "reference"
			t.Unsharded = t.Unsharded || w.name == "unsharded"
			c.Tables[name] = t
		}
		return nil
	}
	s := settingNamed(w.name)
	if s == nil {
		return unknown("dsn", "", w.name, append(settingNames(), "keys", "resources", "reference", "unsharded", "shard.NAME", "key.TABLE", "list.TABLE", "range.TABLE"))
	}
	if err := s.set(c, w.value); err != nil {
		return &ConfigError{Source: "dsn", Path: w.name, Problem: err.Error(), Valid: []string{s.Valid}}
	}
	return nil
}

func split(s string) []string {
	var out []string
	for _, f := range strings.Split(s, ",") {
		if f = strings.TrimSpace(f); f != "" {
			out = append(out, f)
		}
	}
	return out
}

func compactList(w word) ([]List, error) {
	var out []List
	for _, part := range strings.Split(w.value, ";") {
		name, values, ok := strings.Cut(part, ":")
		if !ok {
			return nil, &ConfigError{Source: "dsn", Path: w.name, Problem: "it cannot be read", Valid: []string{"'SHARD:VALUE,VALUE;SHARD:VALUE'"}}
		}
		out = append(out, List{Shard: strings.TrimSpace(name), Values: split(values)})
	}
	return out, nil
}

func compactRange(w word) ([]Range, error) {
	var out []Range
	for _, part := range strings.Split(w.value, ";") {
		name, below, _ := strings.Cut(part, "<")
		out = append(out, Range{Shard: strings.TrimSpace(name), Below: strings.TrimSpace(below)})
	}
	return out, nil
}

// plainName is what settings are called; anything else may be a value, or a secret,
// that bad quoting has put in a name's place.
var plainName = regexp.MustCompile(`^[a-z_.]{1,40}$`)

// unknown is the error for a name that is none, with the one that was probably meant.
func unknown(source, path, name string, valid []string) *ConfigError {
	problem := "there is no such setting"
	if plainName.MatchString(name) {
		problem = fmt.Sprintf("there is no setting %q", name)
	}
	best := slices.MinFunc(valid, func(a, b string) int { return distance(name, a) - distance(name, b) })
	if distance(name, best) <= 2 {
		problem += fmt.Sprintf("; did you mean %q?", best)
	}
	return &ConfigError{Source: source, Path: path, Problem: problem, Valid: valid}
}

// distance is the number of letters by which two words differ (Levenshtein, 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
