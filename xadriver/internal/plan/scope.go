package plan

import (
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// scope is what names mean at one query level.
type scope struct {
	parent  *scope
	block   *block
	entries []*entry
	ctes    map[string]*cte
	merged  bool // items were joined by USING or NATURAL, which makes one column of two
}

// entry is one item of FROM.
type entry struct {
	alias   string
	columns []column
	open    bool // it has columns that we do not know
}

// column of an entry; class is nil unless it carries a key.
type column struct {
	name  string
	class *class
	info  *catalog.Column // of a table's own column
	// values are what the column is one of, where it comes from VALUES or from a
	// SELECT of constants.
	values []*pg.Node
}

func (e *entry) find(name string) (*class, bool) {
	for _, c := range e.columns {
		if c.name == name {
			return c.class, true
		}
	}
	return nil, false
}

// cte is a WITH query.
type cte struct {
	result
	refs int // how often it is named; its columns carry keys only if once
}

func (s *scope) cte(name string) *cte {
	for ; s != nil; s = s.parent {
		if c, ok := s.ctes[name]; ok {
			return c
		}
	}
	return nil
}

// outside is what a subquery in FROM sees, unless it is LATERAL: not its siblings.
func (s *scope) outside() *scope {
	return &scope{parent: s.parent, block: s.block, ctes: s.ctes}
}

// key is the class of a column, nil when it carries no key or cannot be told.
func (s *scope) key(ref *pg.ColumnRef) *class {
	names := make([]string, 0, 3)
	for _, f := range ref.Fields {
		str := f.GetString_()
		if str == nil {
			return nil // a star
		}
		names = append(names, str.Sval)
	}
	switch len(names) {
	case 1:
		return s.unqualified(names[0])
	case 2:
		return s.qualified(names[0], names[1])
	case 3:
		return s.qualified(names[1], names[2])
	default:
		return nil
	}
}

func (s *scope) qualified(alias, name string) *class {
	for ; s != nil; s = s.parent {
		for _, e := range s.entries {
			if e.alias == alias {
				c, _ := e.find(name)
				return c
			}
		}
	}
	return nil
}

// unqualified finds a column by its name alone. PostgreSQL refuses a name that
// two items of a level have, unless they were joined by it: then both carry the
// same key, or none can be told.
func (s *scope) unqualified(name string) *class {
	for ; s != nil; s = s.parent {
		var (
			found *class
			here  bool
			open  bool
		)
		for _, e := range s.entries {
			c, ok := e.find(name)
			open = open || e.open
			switch {
			case !ok:
			case !here:
				found, here = c, true
			case c == nil || found == nil || c.root() != found.root():
				return nil
			}
		}
		if here {
			return found
		}
		if open {
			return nil
		}
	}
	return nil
}

// owner is the item of FROM, of this level only, to which a column belongs; nil
// when it cannot be told.
func (s *scope) owner(ref *pg.ColumnRef) *entry {
	list := names(ref.Fields)
	if len(list) < len(ref.Fields) || len(list) == 0 {
		return nil
	}
	name := list[len(list)-1]
	var found *entry
	for _, e := range s.entries {
		if len(list) > 1 && e.alias != list[len(list)-2] {
			continue
		}
		switch _, ok := e.find(name); {
		case e.open, ok && found != nil:
			return nil
		case ok:
			found = e
		}
	}
	return found
}

// open reports whether there are items of FROM whose columns are not known.
func (s *scope) open() bool {
	for _, e := range s.entries {
		if e.open {
			return true
		}
	}
	return false
}

// has reports whether a name is that of a column of FROM at this level.
func (s *scope) has(ref *pg.ColumnRef) bool {
	if s.owner(ref) != nil {
		return true
	}
	if list := names(ref.Fields); s.merged && len(list) == 1 && len(ref.Fields) == 1 {
		for _, e := range s.entries {
			if _, ok := e.find(list[0]); ok {
				return true
			}
		}
	}
	return false
}

// column is what is known of a table's column, nil for anything else.
func (s *scope) column(ref *pg.ColumnRef) *catalog.Column {
	e := s.owner(ref)
	if e == nil {
		return nil
	}
	for _, c := range e.columns {
		if c.name == ref.Fields[len(ref.Fields)-1].GetString_().Sval {
			return c.info
		}
	}
	return nil
}

// names lists the parts of a qualified name, such as a function's.
func names(list []*pg.Node) []string {
	out := make([]string, 0, len(list))
	for _, n := range list {
		if s := n.GetString_(); s != nil {
			out = append(out, s.Sval)
		}
	}
	return out
}
