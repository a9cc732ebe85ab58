package check

import (
	"fmt"
	"strings"
)

// Level is an isolation level, as PostgreSQL calls it.
type Level string

// Levels.
const (
	ReadCommitted  Level = "READ COMMITTED"
	RepeatableRead Level = "REPEATABLE READ"
	Serializable   Level = "SERIALIZABLE"
)

// Setting is what the driver's setting consistent_reads can be.
type Setting string

// Settings.
const (
	Off       Setting = "off"
	Snapshot  Setting = "snapshot"
	Statement Setting = "statement"
)

// allowance says which kinds may be seen, and from which clock on: a kind that is
// allowed in real time only is not when it needs no time.
type allowance map[Kind]Clock

// Promise is what a level allows with a setting.
type Promise struct {
	Level   Level
	Setting Setting
	Within  allowance // one shard
	Across  allowance // several shards
}

// What PostgreSQL's levels allow. A statement of READ COMMITTED has a snapshot; a
// transaction of REPEATABLE READ has one, in which a statement need not see what was
// committed since. In neither is anything seen that is not committed for good, and so
// no order of commits, nor of who read from whom, has a cycle (G0, G1).
var (
	readCommitted = allowance{Fractured: Timeless, LostUpdate: Timeless, GSingle: Timeless, GNonadjacent: Timeless, G2Item: Timeless, G2: Timeless}
	snapshots     = allowance{SkewedStatement: Session, G2Item: Timeless, G2: Timeless}
	serializable  = allowance{SkewedStatement: Session}
)

// perShard is what it comes to over several shards when each has snapshots of its own.
// Locks are held on all shards until all have committed, or the outcome is decided at
// least, so that G0 and G1 do not come about.
var perShard = allowance{
	SplitStatement: Timeless, SkewedStatement: Timeless, Backwards: Timeless, Fractured: Timeless, LostUpdate: Timeless, GSingle: Timeless, GNonadjacent: Timeless, G2Item: Timeless, G2: Timeless,
}

// cutStatements is what it comes to when each statement of several shards has snapshots of
// one moment. A statement of one shard has that shard's, in which a commit that was seen
// elsewhere may not be finished yet.
var cutStatements = allowance{Backwards: Timeless, Fractured: Timeless, LostUpdate: Timeless, GSingle: Timeless, GNonadjacent: Timeless, G2Item: Timeless, G2: Timeless}

// apart is what SERIALIZABLE allows over several shards: transactions of one shard each
// take the place of what one server's snapshots order. Who sees on one shard what is just being
// committed on several, and when he is told so somebody looks at another shard, where it
// is not visible yet: each order is serial, and the clock's is not among them.
var apart = allowance{SkewedStatement: Session, GSingle: Apart, GNonadjacent: Apart, G2Item: Apart, G2: Apart}

// For is the promise for a level and a setting.
func For(l Level, s Setting) Promise {
	p := Promise{Level: l, Setting: s}
	switch l {
	case ReadCommitted:
		p.Within, p.Across = readCommitted, perShard
		if s == Statement {
			p.Across = cutStatements
		}
	case RepeatableRead:
		p.Within, p.Across = snapshots, perShard
		if s != Off {
			p.Across = snapshots
		}
	case Serializable:
		p.Within, p.Across = serializable, apart
	}
	return p
}

// Broken are the anomalies that are not allowed.
func (p Promise) Broken(found []Anomaly) (bad []Anomaly) {
	for _, a := range found {
		allowed := p.Within
		if a.Shard == Across {
			allowed = p.Across
		}
		if from, ok := allowed[a.Kind]; !ok || a.Clock < from {
			bad = append(bad, a)
		}
	}
	return bad
}

func (p Promise) String() string {
	return fmt.Sprintf("%s with consistent_reads=%s", p.Level, p.Setting)
}

// Table prints the promises: one row for each kind, one column for each level within a
// shard, and one for each level and setting over several.
func Table() string {
	var b strings.Builder
	columns := []struct {
		name string
		a    allowance
	}{
		{"RC, one shard", readCommitted}, {"RR, one shard", snapshots}, {"SER, one shard", serializable},
		{"RC, off or snapshot", For(ReadCommitted, Off).Across}, {"RC, statement", For(ReadCommitted, Statement).Across},
		{"RR, off", For(RepeatableRead, Off).Across}, {"RR, snapshot or statement", For(RepeatableRead, Snapshot).Across},
		{"SER", For(Serializable, Snapshot).Across},
	}
	b.WriteString("| anomaly |")
	for _, c := range columns {
		b.WriteString(" " + c.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for k := range kinds {
		b.WriteString("| " + k.String() + " |")
		for _, c := range columns {
			from, ok := c.a[k]
			switch {
			case !ok:
				b.WriteString(" no |")
			case from == Timeless:
				b.WriteString(" yes |")
			case from == Apart:
				b.WriteString(" by the clock, between transactions of one shard each |")
			default:
				b.WriteString(" by the clock |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
