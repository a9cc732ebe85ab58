package plan

import (
	"strings"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// trigger lets triggers through that can do what they do on the shard of their row:
// their functions' text must name no table whose rows may be elsewhere.
func (a *analysis) trigger(c *pg.CreateTrigStmt) error {
	_, r, t := a.relation(c.Relation, a.top)
	if r == nil || t == nil || t.Kind == shardmap.Unsharded {
		return nil
	}
	if !c.Row {
		return &Refusal{Clause: "a trigger FOR EACH STATEMENT on table " + r.Name.Name, Reason: "it would run once on each shard that the statement concerns", Remedy: "use FOR EACH ROW"}
	}
	list := names(c.Funcname)
	schema := ""
	if len(list) > 1 {
		schema = list[len(list)-2]
	}
	f, known := a.cat.Function(schema, list[len(list)-1])
	if !known || f.Source == "" {
		return nil // PostgreSQL's own, in C
	}
	refuse := func(reason string) error {
		return &Refusal{Clause: "a trigger on table " + r.Name.Name, Reason: reason, Remedy: "do it in the application, in the same transaction"}
	}
	words := strings.FieldsFunc(f.Source, func(r rune) bool {
		return r != '_' && r != '$' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && r < 0x80
	})
	named := make(map[string]bool, len(words))
	for _, w := range words {
		named[w] = true
	}
	if named["execute"] {
		return refuse("its function " + list[len(list)-1] + " makes statements of text")
	}
	for _, o := range a.cat.Relations() {
		if o.System() || !named[strings.ToLower(o.Name.Name)] || o.Kind == 'S' {
			continue
		}
		other, err := a.p.placement(o)
		if err != nil {
			return err
		}
		if other.Kind != shardmap.Sharded || t.Kind != shardmap.Sharded || !other.Colocated(t) {
			return refuse("its function " + list[len(list)-1] + " names table " + o.Name.Name + ", whose rows may be on another shard, or must be on every one")
		}
	}
	return nil
}
