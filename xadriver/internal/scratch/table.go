package scratch

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
)

// Loader fills the tables of a session from several shards at once. What waits
// to be sent is bounded, whatever the number of rows.
type Loader struct {
	session *Session
	limit   int64

	mu     sync.Mutex
	rows   int64
	tables []table
}

type table struct {
	copy string
	wait bytes.Buffer
}

// LimitError says that a statement needs more rows than may be gathered.
type LimitError struct{ Limit int64 }

func (e *LimitError) Error() string {
	return fmt.Sprintf("xapg: the statement needs more than %d rows of the shards in one place (setting gather_limit): narrow it by conditions on its tables, or raise the setting", e.Limit)
}

// SQLState is PostgreSQL's program_limit_exceeded.
func (e *LimitError) SQLState() string { return "54000" }

// NewLoader makes a loader that takes at most limit rows.
func NewLoader(s *Session, limit int64) *Loader {
	return &Loader{session: s, limit: limit}
}

// Table makes the loader fill a table, and returns the number by which Add knows it.
func (l *Loader) Table(name string, columns []string) int {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
	}
	l.tables = append(l.tables, table{copy: `COPY pg_temp."` + strings.ReplaceAll(name, `"`, `""`) + `" (` + strings.Join(quoted, ", ") + ") FROM STDIN"})
	return len(l.tables) - 1
}

// most is how much of a table's rows waits, in bytes, before it is sent.
const most = 256 << 10

// Add adds a row: its columns as text, nil for NULL. It is safe for concurrent use.
func (l *Loader) Add(ctx context.Context, table int, row []driver.Value) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rows++; l.rows > l.limit {
		return &LimitError{l.limit}
	}
	t := &l.tables[table]
	for i, v := range row {
		if i > 0 {
			t.wait.WriteByte('\t')
		}
		switch v := v.(type) {
		case nil:
			t.wait.WriteString(`\N`)
		case string:
			escape(&t.wait, v)
		case []byte:
			escape(&t.wait, string(v))
		default:
			return fmt.Errorf("xapg: a shard answered with %T where text was asked for", v)
		}
	}
	t.wait.WriteByte('\n')
	if t.wait.Len() < most {
		return nil
	}
	return l.send(ctx, t)
}

// Flush sends what waits.
func (l *Loader) Flush(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.tables {
		if err := l.send(ctx, &l.tables[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *Loader) send(ctx context.Context, t *table) error {
	if t.wait.Len() == 0 {
		return nil
	}
	if err := l.session.copyIn(ctx, t.copy, bytes.NewReader(t.wait.Bytes())); err != nil {
		t.wait = bytes.Buffer{} // pgx may still be reading what was in the old one
		return err
	}
	t.wait.Reset()
	return nil
}

// escape writes text as COPY reads it.
func escape(b *bytes.Buffer, s string) {
	from := 0
	for i := range len(s) {
		var e byte
		switch s[i] {
		case '\\':
			e = '\\'
		case '\n':
			e = 'n'
		case '\r':
			e = 'r'
		case '\t':
			e = 't'
		default:
			continue
		}
		b.WriteString(s[from:i])
		b.WriteByte('\\')
		b.WriteByte(e)
		from = i + 1
	}
	b.WriteString(s[from:])
}
