package sim

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// history is what a process has observed, kept such that two processes with the same
// history are in the same state, whatever the order in which they learned it.
//
// The coordinator asks each participant and the register one thing at a time, joins
// the answers by participant and waits for all of them; the order between
// participants shows only in which error came first. A resolver's goroutines, one a
// shard, share nothing but the table of what is pending: that table is part of the
// state as it is (read from its memory), beside what each of them has seen in
// this round; what has ended leaves nothing but the table (the report that a sweep
// makes decides nothing), and what the application was told.
// TestTheOrderOfAnswersWithinAProcessIsNoState checks that claim against an
// exploration in which every order is a state of its own.
type history struct {
	coordinator []string
	first       string // the coordinator's first bad answer
	notes       []string
	round       map[label][]string
	exact       []string
	held        string // of readers: the shards whose gates were held, as they came
	await       string // and who held the one that it waits for, by its last look
	pauses      int
}

func (h *history) answer(c *call, a answer) {
	what := string([]byte{'a' + byte(c.op.verb), '0' + c.op.arg, '0' + byte(a)})
	h.exact = append(h.exact, string(rune('0'+c.by))+what)
	if c.by != byCoordinator {
		h.add(c.by, what)
		return
	}
	h.coordinator = append(h.coordinator, what)
	if h.first == "" && (a == refused || a == lost || a == gone || a == notStored) {
		h.first = what
	}
}

func (h *history) note(what string) {
	h.notes = append(h.notes, what)
	h.exact = append(h.exact, what)
}

func (h *history) add(by label, what string) {
	if h.round == nil {
		h.round = make(map[label][]string)
	}
	h.round[by] = append(h.round[by], what)
}

func (h *history) endRound() {
	h.round = nil
	h.exact = append(h.exact, "swept")
}

// seen takes notice of what the process now waits for: a sweep of a shard has taken
// down what was pending there before it asks for the shard's list.
func (h *history) seen(p *Process) {
	for _, c := range p.waiting {
		if c.op.verb == list && !c.seen {
			c.seen = true
			h.add(c.by, digest(p.memory))
		}
	}
}

// key identifies the state of the process.
func (p *Process) key() string {
	h := &p.history
	var b strings.Builder
	switch {
	case p.program.Exact:
		b.WriteString(strings.Join(h.exact, " "))
	case p.program.Read != nil:
		h.readerKey(&b)
	default:
		at := p.active()
		if at[byCoordinator] || !p.over {
			slices.Sort(h.coordinator)
			fmt.Fprintf(&b, "%s|%s|%s", strings.Join(h.coordinator, " "), h.first, strings.Join(h.notes, " "))
		} else {
			h.coordinator, h.first, h.notes = nil, "", nil
		}
		for by := byLoader; by < maxLabels; by++ {
			if !at[by] {
				delete(h.round, by)
			}
			fmt.Fprintf(&b, "|%s", strings.Join(h.round[by], " "))
		}
		b.WriteByte('|')
	}
	for _, c := range p.waiting {
		fmt.Fprintf(&b, " %d%d.%d", c.by, c.op.verb, c.op.arg)
		if c.ctx.Err() != nil {
			b.WriteByte('!')
		}
	}
	fmt.Fprintf(&b, "|%v %v %v %v %v|%s", p.over, p.told, p.cuts, p.sweeping, len(p.timeouts), digest(p.memory))
	return b.String()
}

// active tells which goroutines still run: at rest, each of them waits for an answer.
func (p *Process) active() (at [maxLabels]bool) {
	for _, c := range p.waiting {
		at[c.by] = true
	}
	return at
}

// digest describes the table of a resolver, of which nothing but the field "pending"
// outlives a sweep of all shards (the others count, log, or belong to the loop that
// is not run here). It is read as it is, so that a field that is added is seen.
func digest(memory any) string {
	if memory == nil {
		return ""
	}
	v := reflect.ValueOf(memory).Elem()
	if f := v.FieldByName("pending"); f.IsValid() {
		v = f
	}
	var b strings.Builder
	describe(&b, v)
	return b.String()
}

func describe(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			describe(b, v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return // no time passes here
		}
		for i := range v.NumField() {
			describe(b, v.Field(i))
			b.WriteByte(',')
		}
	case reflect.Map:
		type entry struct{ key, value string }
		var entries []entry
		for it := v.MapRange(); it.Next(); {
			var key, value strings.Builder
			describe(&key, it.Key())
			describe(&value, it.Value())
			entries = append(entries, entry{key.String(), value.String()})
		}
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
		fmt.Fprintf(b, "%v", entries)
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			describe(b, v.Index(i))
		}
	case reflect.Chan, reflect.Func:
	default:
		fmt.Fprint(b, v)
	}
}
