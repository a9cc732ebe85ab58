package catalog

import (
	"strings"
	"sync/atomic"
)

// facts is what a server answers, in the words of the questions.
type facts struct {
	Mark, System string
	Busy         []int64
	Session      struct {
		User       string
		Path       []string
		Bytewise   bool
		Deferrable bool
		Settings   map[string]string
	}
	Relations []struct {
		OID, Parent                       int64
		Schema, Name, Kind                string
		Referenced, Triggers, RowSecurity bool
	}
	Columns []struct {
		Relation int64
		Number   int
		Kind     string // of identity
		Column
	}
	Defaults []struct {
		Relation int64
		Number   int
		Text     *string
	}
	Numbering []struct {
		Relation int64
		Number   int
		Sequence string
	}
	Uniques []struct {
		Relation int64
		Unique
	}
	Types []struct {
		OID  uint32
		Name string
	}
	Sequences []struct {
		Schema, Name, Quoted string
		Start, Increment     int64
	}
	Functions []struct {
		Schema, Name, Args string
		Function
	}
	Casts                  []uint32
	Operators, OpaqueTypes []string
}

// catalog makes a catalog of the facts.
func (f *facts) catalog(s *system) *Catalog {
	sequences := make(map[string]Sequence, len(f.Sequences))
	for _, q := range f.Sequences {
		sequences[q.Quoted] = Sequence{Name: Name{q.Schema, q.Name}, Start: q.Start, Increment: q.Increment}
	}
	functions := f.functions()
	spreadNotifies(functions)
	c := of(Known{User: f.Session.User, SearchPath: f.Session.Path, Relations: f.relations(), Functions: functions, Types: f.types(), Sequences: sequences}, s)
	c.Mark, c.Bytewise, c.Deferrable, c.settings = f.Mark, f.Session.Bytewise, f.Session.Deferrable, f.Session.Settings
	c.casts, c.operators, c.opaqueTypes = set(f.Casts), set(f.Operators), set(f.OpaqueTypes)
	return c
}

// asSystem keeps the facts about what is PostgreSQL's own.
func (f *facts) asSystem() *system {
	s := &system{mark: f.System, types: f.types(), functions: f.functions(), relations: make(map[Name]*Relation, len(f.Relations)), byName: make(map[string]Function, len(f.Functions))}
	for _, r := range f.relations() {
		s.relations[r.Name] = r
	}
	for n, g := range s.functions {
		s.byName[n.Name] = s.byName[n.Name].or(g)
	}
	return s
}

// relations puts together what belongs to each relation.
func (f *facts) relations() []*Relation {
	list := make([]*Relation, len(f.Relations))
	byOID := make(map[int64]*Relation, len(list))
	for i, r := range f.Relations {
		list[i] = &Relation{
			OID: r.OID, Name: Name{r.Schema, r.Name}, Kind: r.Kind[0], Referenced: r.Referenced, Triggers: r.Triggers, RowSecurity: r.RowSecurity,
		}
		byOID[r.OID] = list[i]
		if r.Kind == "v" && !list[i].System() {
			list[i].full = new(atomic.Pointer[Relation])
		}
	}
	for i, r := range f.Relations {
		list[i].Parent = byOID[r.Parent]
	}
	for _, oid := range f.Busy {
		if r := byOID[oid]; r != nil {
			r.Busy = true
		}
	}
	type place struct {
		relation int64
		number   int
	}
	columns := make(map[place]int, len(f.Columns))
	for _, c := range f.Columns {
		if r := byOID[c.Relation]; r != nil {
			c.identity(c.Kind)
			columns[place{c.Relation, c.Number}] = len(r.Columns)
			r.Columns = append(r.Columns, c.Column)
		}
	}
	column := func(relation int64, number int) *Column {
		if at, ok := columns[place{relation, number}]; ok {
			return &byOID[relation].Columns[at]
		}
		return &Column{} // of a relation that these facts are not about
	}
	for _, d := range f.Defaults {
		if d.Text != nil {
			column(d.Relation, d.Number).Default = *d.Text
		} else if r := byOID[d.Relation]; r != nil && r.full == nil {
			r.full = new(atomic.Pointer[Relation])
		}
	}
	for _, n := range f.Numbering {
		if c := column(n.Relation, n.Number); c.Sequence == "" {
			c.Sequence = n.Sequence
		}
	}
	for _, u := range f.Uniques {
		if r := byOID[u.Relation]; r != nil {
			r.Unique = append(r.Unique, u.Unique)
		}
	}
	return list
}

func (f *facts) types() map[uint32]string {
	names := make(map[uint32]string, len(f.Types))
	for _, t := range f.Types {
		names[t.OID] = t.Name
	}
	return names
}

func (f *facts) functions() map[Name]Function {
	all := make(map[Name]Function, len(f.Functions))
	for _, g := range f.Functions {
		n, fn := Name{g.Schema, g.Name}, g.Function
		fn.Source, fn.Args = strings.ToLower(fn.Source), strings.Split(g.Args, "\x01")
		fn.Notifies = n == Name{"pg_catalog", "pg_notify"} || strings.Contains(fn.Source, "notify")
		all[n] = fn
	}
	return all
}

func set[T comparable](list []T) map[T]bool {
	out := make(map[T]bool, len(list))
	for _, v := range list {
		out[v] = true
	}
	return out
}
