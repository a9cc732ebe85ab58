package differential_test

import "strings"

// source is something in a FROM.
type source struct {
	alias string
	cols  []column
	total []string // columns that order its rows totally, but for rows that are the same
	rel   *relation
}

func (s *source) of(c column) string { return s.alias + "." + c.name }

// scope is what expressions can name.
type scope struct {
	sources []*source
	outer   *scope
	bare    bool // columns go without their table's name
}

// inner is a scope without what is around it.
func (s *scope) inner() *scope { return &scope{sources: s.sources, bare: s.bare} }

// total orders the rows of all sources.
func (s *scope) total() []string {
	var list []string
	for _, src := range s.sources {
		for _, name := range src.total {
			list = append(list, src.alias+"."+name)
		}
	}
	return list
}

// column is one of a kind that is in scope.
func (g *gen) column(s *scope, k kind) (string, bool) {
	if s == nil {
		return "", false
	}
	if s.outer != nil && g.chance(2) {
		around := *s.outer
		around.bare = false
		if c, ok := g.column(&around, k); ok {
			return c, true
		}
	}
	var list []string
	for _, src := range s.sources {
		for _, c := range src.cols {
			switch {
			case c.kind == k && s.bare:
				list = append(list, c.name)
			case c.kind == k:
				list = append(list, src.of(c))
			}
		}
	}
	if len(list) == 0 {
		return "", false
	}
	return pick(g, list...), true
}

// keys are the columns in scope that hold keys.
func (s *scope) keys() (names []string, of []kind) {
	for _, src := range s.sources {
		for _, c := range src.cols {
			switch {
			case !c.key:
				continue
			case s.bare:
				names = append(names, c.name)
			default:
				names = append(names, src.of(c))
			}
			of = append(of, c.kind)
		}
	}
	return names, of
}

// keyOr is a key's column, if there is one of the kind, or else another expression.
func (g *gen) keyOr(s *scope, k kind, other func() string) string {
	names, of := s.keys()
	for i := range names {
		if of[i] == k && g.chance(3) {
			return names[i]
		}
	}
	return other()
}

// keyKind is the kind of a key in scope, or of any column.
func (g *gen) keyKind(s *scope) kind {
	if _, of := s.keys(); len(of) > 0 && g.chance(4) {
		return pick(g, of...)
	}
	return g.kindIn(s)
}

// kindIn is the kind of a column in scope, or of any.
func (g *gen) kindIn(s *scope) kind {
	var list []kind
	for _, src := range s.sources {
		for _, c := range src.cols {
			list = append(list, c.kind)
		}
	}
	if len(list) == 0 || g.chance(1) {
		return kind(g.n(len(types)))
	}
	return pick(g, list...)
}

// bound binds a key to values, where there is one.
func (g *gen) bound(s *scope) string {
	keys, of := s.keys()
	if len(keys) == 0 {
		return pick(g, "true", "1 = 1", "false")
	}
	i := g.n(len(keys))
	v := func() string {
		v := g.lit(of[i])
		if g.chance(3) && (v[0] == '\'' || v[0] == '$') {
			v, _, _ = strings.Cut(v, "::") // what is compared says the type
		}
		return v
	}
	switch g.n(4) {
	case 0:
		return keys[i] + " = " + v()
	case 1:
		return keys[i] + " IN (" + v() + ", " + v() + ")"
	case 2:
		return "(" + keys[i] + " = " + v() + " OR " + keys[i] + " = " + v() + ")"
	default:
		return keys[i] + " = ANY(ARRAY[" + g.lit(of[i]) + ", " + g.lit(of[i]) + "])"
	}
}
