package plan

import (
	"slices"

	"github.com/xapg/xapg/xadriver/internal/catalog"
)

// Counting lists the sequences that number rows of sharded tables, by their quoted
// names, in order.
func (p *Planner) Counting(cat *catalog.Catalog) []string {
	var out []string
	p.numbering(cat, func(c catalog.Column, _ bool) {
		if _, ok := cat.Sequence(c.Sequence); ok && !slices.Contains(out, c.Sequence) {
			out = append(out, c.Sequence)
		}
	})
	slices.Sort(out)
	return out
}

// Numbered lists those that give the same numbers on each shard, because nobody has
// spread them yet.
func (p *Planner) Numbered(cat *catalog.Catalog) []catalog.Sequence {
	var out []catalog.Sequence
	for _, name := range p.Counting(cat) {
		if s, _ := cat.Sequence(name); s.Increment%p.Stride != 0 {
			out = append(out, s)
		}
	}
	return out
}
