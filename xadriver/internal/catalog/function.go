package catalog

import "strings"

// Function is what is known of all functions of a name.
type Function struct {
	Aggregate bool
	Window    bool // a window function, not merely an aggregate with OVER
	Set       bool // returns a set
	Volatile  bool // not IMMUTABLE
	Opaque    bool // may read or write tables that its call does not name
	Notifies  bool // its source speaks of NOTIFY
	// Body is the source of the only function of its name, if that is in SQL, writes
	// nothing by its own account, and reads its names where it is called.
	Body string
	// Source is the text of all functions of the name, in lower case, "" for
	// PostgreSQL's own.
	Source string
	// Args are the names of its arguments, "" for those without.
	Args []string
}

func (f Function) or(g Function) Function {
	return Function{
		Aggregate: f.Aggregate || g.Aggregate, Window: f.Window || g.Window, Set: f.Set || g.Set,
		Source: f.Source + " " + g.Source, Volatile: f.Volatile || g.Volatile, Opaque: f.Opaque || g.Opaque, Notifies: f.Notifies || g.Notifies,
	}.bodyOf(f, g)
}

// bodyOf takes over the body of one of two functions of a name, if it is the only one.
func (f Function) bodyOf(a, b Function) Function {
	switch {
	case a.none():
		f.Body, f.Args = b.Body, b.Args
	case b.none():
		f.Body, f.Args = a.Body, a.Args
	}
	return f
}

func (f Function) none() bool {
	return !f.Aggregate && !f.Window && !f.Set && !f.Volatile && !f.Opaque && !f.Notifies && f.Body == ""
}

// overload puts together what users and PostgreSQL have under the same names.
func (c *Catalog) overload() {
	own := make(map[Name]Function, len(c.functions))
	for n, f := range c.functions {
		all, known := c.byName[n.Name]
		if !known {
			all = c.system.byName[n.Name]
		}
		c.byName[n.Name] = all.or(f)
		if s, ok := c.system.functions[n]; ok {
			f = s.or(f)
		}
		own[n] = f
		if n.Schema != "pg_catalog" && n.Schema != "information_schema" {
			c.users[n.Name] = true
		}
	}
	c.functions = own
}

// Function is what is known of a function's name. An unqualified name stands for
// all functions of that name, wherever they are.
func (c *Catalog) Function(schema, name string) (Function, bool) {
	if schema != "" {
		n := Name{schema, name}
		f, ok := c.functions[n]
		if !ok {
			f, ok = c.system.functions[n]
		}
		return f, ok
	}
	f, ok := c.byName[name]
	if !ok {
		f, ok = c.system.byName[name]
	}
	return f, ok
}

// Calls reports whether users have a function of a name.
func (c *Catalog) Calls(name string) bool { return c.users[name] }

// Builtin reports whether a function's name is that of PostgreSQL's own, and of
// nobody else's.
func (c *Catalog) Builtin(name string) bool {
	_, own := c.Function("pg_catalog", name)
	return own && !c.users[name]
}

// spreadNotifies marks functions whose source names one that notifies.
func spreadNotifies(functions map[Name]Function) {
	for changed := true; changed; {
		changed = false
		for n, f := range functions {
			if f.Notifies || f.Source == "" {
				continue
			}
			for m, g := range functions {
				if g.Notifies && g.Source != "" && strings.Contains(f.Source, m.Name) {
					f.Notifies, changed = true, true
					functions[n] = f
					break
				}
			}
		}
	}
}
