package xadriver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parseFile reads a configuration file, and the settings that follow its path.
func parseFile(path, query string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		var perr *fs.PathError
		if errors.As(err, &perr) {
			err = perr.Err
		}
		return nil, &ConfigError{Source: path, Problem: "the file cannot be read: " + err.Error()}
	}
	cfg, err := parseYAML(path, data, query)
	if err != nil {
		return nil, err
	}
	return cfg, nil
}

func parseYAML(source string, data []byte, query string) (*Config, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, yamlError(source, err)
	}
	r := &reader{source: source, cfg: &Config{Tables: make(map[string]Table)}, places: make(map[string]ast.Node)}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, &ConfigError{Source: source, Problem: "the file is empty; it needs at least cluster, log and shards"}
	}
	if len(file.Docs) > 1 {
		return nil, &ConfigError{Source: source, Problem: "the file has several documents; one is wanted"}
	}
	r.top(file.Docs[0].Body)
	if err := r.problems(); err != nil {
		return nil, err
	}
	if err := override(r.cfg, query); err != nil {
		return nil, err
	}
	if err := r.cfg.Validate(); err != nil {
		return nil, r.locate(err)
	}
	return r.cfg, nil
}

// yamlError keeps the place of a syntax error and drops the excerpt that the
// library shows, which may hold a password.
func yamlError(source string, err error) error {
	e := &ConfigError{Source: source, Problem: "this is not YAML"}
	var s *yaml.SyntaxError
	if errors.As(err, &s) {
		if t := s.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
		e.Problem += ": " + quotedText.ReplaceAllString(clip(s.GetMessage()), "…")
	}
	return e
}

var quotedText = regexp.MustCompile(`"[^"]*"?|'[^']*'?`)

// reader turns a tree into a configuration, and collects what is wrong with it.
type reader struct {
	source string
	cfg    *Config
	errs   []error
	places map[string]ast.Node // by path, for what is found wrong later
}

const maxProblems = 10

func (r *reader) problems() error {
	if len(r.errs) > maxProblems {
		r.errs = r.errs[:maxProblems]
	}
	return errors.Join(r.errs...)
}

func (r *reader) wrong(n ast.Node, path, problem string, valid ...string) {
	r.errs = append(r.errs, r.at(n, &ConfigError{Path: path, Problem: problem, Valid: valid}))
}

func (r *reader) at(n ast.Node, e *ConfigError) *ConfigError {
	e.Source = r.source
	if p, ok := n.(*ast.MappingValueNode); ok {
		n = p.Key // a pair's own token is its colon
	}
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		e.Line, e.Column = n.GetToken().Position.Line, n.GetToken().Position.Column
	}
	return e
}

// locate finds the places of what Validate found wrong.
func (r *reader) locate(err error) error {
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for i, err := range list {
		var e *ConfigError
		if !errors.As(err, &e) {
			continue
		}
		for path := e.Path; path != ""; {
			if n, ok := r.places[path]; ok {
				list[i] = r.at(n, e)
				break
			}
			cut := strings.LastIndexAny(path, ".[")
			if cut < 0 {
				break
			}
			path = path[:cut]
		}
		if e.Source == "" {
			e.Source = r.source
		}
	}
	return errors.Join(list...)
}

// pairs are the entries of a mapping, in order.
func (r *reader) pairs(n ast.Node, path string) []*ast.MappingValueNode {
	var list []*ast.MappingValueNode
	switch m := bare(n).(type) {
	case *ast.MappingNode:
		list = m.Values
	case *ast.MappingValueNode:
		list = []*ast.MappingValueNode{m}
	case *ast.NullNode, nil:
	default:
		r.wrong(n, path, "a list of name: value is wanted here")
	}
	seen := make(map[string]bool)
	for _, p := range list {
		name := key(p)
		if seen[name] {
			r.wrong(p, join(path, name), "it is given twice")
		}
		seen[name] = true
		r.places[join(path, name)] = p
	}
	return list
}

func key(p *ast.MappingValueNode) string {
	if t := p.Key.GetToken(); t != nil {
		return t.Value
	}
	return p.Key.String()
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// bare follows anchors and tags to what they stand for.
func bare(n ast.Node) ast.Node {
	for {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		default:
			return n
		}
	}
}

// scalar is the text of a value, with the environment put in.
func (r *reader) scalar(n ast.Node, path string) string {
	var value string
	switch v := bare(n).(type) {
	case *ast.StringNode:
		value = v.Value
	case *ast.LiteralNode:
		value = v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		value = v.GetToken().Value
	case *ast.NullNode:
		return ""
	default:
		r.wrong(n, path, "a single value is wanted here")
		return ""
	}
	out, err := expand(value)
	if err != nil {
		r.wrong(n, path, err.Error())
	}
	return out
}

// items are the elements of a list.
func (r *reader) items(n ast.Node, path string) []ast.Node {
	switch s := bare(n).(type) {
	case *ast.SequenceNode:
		for i, v := range s.Values {
			r.places[fmt.Sprintf("%s[%d]", path, i)] = v
		}
		return s.Values
	case *ast.NullNode:
		return nil
	default:
		r.wrong(n, path, "a list is wanted here, such as [a, b]")
		return nil
	}
}

func (r *reader) strings(n ast.Node, path string) []string {
	var out []string
	for i, v := range r.items(n, path) {
		out = append(out, r.scalar(v, fmt.Sprintf("%s[%d]", path, i)))
	}
	return out
}

func (r *reader) top(n ast.Node) {
	for _, p := range r.pairs(n, "") {
		switch name := key(p); name {
		case "shards":
			r.shards(p.Value)
		case "tables":
			r.tables(p.Value)
		case "keys":
			r.cfg.Keys = r.strings(p.Value, name)
		case "resources":
			r.cfg.AbsentResources = r.strings(p.Value, name)
		default:
			s := settingNamed(name)
			if s == nil {
				r.errs = append(r.errs, r.at(p, unknown(r.source, "", name, append(settingNames(), "shards", "tables", "keys", "resources"))))
				continue
			}
			if err := s.set(r.cfg, r.scalar(p.Value, name)); err != nil {
				r.wrong(p.Value, name, err.Error(), s.Valid)
			}
		}
	}
}

func (r *reader) shards(n ast.Node) {
	for _, p := range r.pairs(n, "shards") {
		s := Shard{Name: key(p)}
		path := "shards." + s.Name
		switch v := bare(p.Value).(type) {
		case *ast.MappingNode, *ast.MappingValueNode:
			for _, f := range r.pairs(v, path) {
				switch name := key(f); name {
				case "dsn":
					s.DSN = r.scalar(f.Value, path+".dsn")
				case "replicas":
					s.Replicas = r.strings(f.Value, path+".replicas")
				default:
					r.errs = append(r.errs, r.at(f, unknown(r.source, path, name, []string{"dsn", "replicas"})))
				}
			}
		default:
			s.DSN = r.scalar(p.Value, path)
		}
		r.cfg.Shards = append(r.cfg.Shards, s)
	}
}

func (r *reader) tables(n ast.Node) {
	for _, p := range r.pairs(n, "tables") {
		name := key(p)
		r.cfg.Tables[name] = r.table(p.Value, "tables."+name)
	}
}

func (r *reader) table(n ast.Node, path string) (t Table) {
	switch v := bare(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		for _, f := range r.pairs(v, path) {
			switch name := key(f); name {
			case "key":
				t.Key = r.scalar(f.Value, path+".key")
			case "range":
				t.Range = r.ranges(f.Value, path+".range")
			case "list":
				t.List = r.lists(f.Value, path+".list")
			default:
				r.errs = append(r.errs, r.at(f, unknown(r.source, path, name, []string{"key", "range", "list"})))
			}
		}
	default:
		switch kind := r.scalar(n, path); kind {
		case "reference":
			t.Reference = true
		case "unsharded":
			t.Unsharded = true
		default:
			r.wrong(n, path, fmt.Sprintf("%q says nothing about a table", clip(kind)), "reference", "unsharded", "{key: COLUMN}",
				"{key: COLUMN, range: …}", "{key: COLUMN, list: …}")
		}
	}
	return t
}

func (r *reader) ranges(n ast.Node, path string) []Range {
	var out []Range
	for i, item := range r.items(n, path) {
		at := fmt.Sprintf("%s[%d]", path, i)
		var g Range
		for _, f := range r.pairs(item, at) {
			switch name := key(f); name {
			case "below":
				g.Below = r.scalar(f.Value, at+".below")
			case "shard":
				g.Shard = r.scalar(f.Value, at+".shard")
			default:
				r.errs = append(r.errs, r.at(f, unknown(r.source, at, name, []string{"below", "shard"})))
			}
		}
		out = append(out, g)
	}
	return out
}

func (r *reader) lists(n ast.Node, path string) []List {
	var out []List
	for _, p := range r.pairs(n, path) {
		l := List{Shard: key(p)}
		if s, ok := bare(p.Value).(*ast.StringNode); ok && s.Value == "default" {
			l.Default = true
		} else {
			l.Values = r.strings(p.Value, path+"."+l.Shard)
		}
		out = append(out, l)
	}
	return out
}
