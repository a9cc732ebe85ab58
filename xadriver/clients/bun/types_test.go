package bun_test

import (
	"database/sql"
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

type Everything struct {
	bun.BaseModel `bun:"table:everything"`

	ID       string `bun:",pk,type:uuid"`
	Small    int16
	Real     float32
	Double   float64
	Price    string `bun:"type:numeric(12,2)"`
	Yes      bool
	Maybe    *bool
	Note     sql.NullString
	Bytes    []byte
	At       time.Time
	Day      time.Time     `bun:"type:date"`
	Took     time.Duration // nanoseconds
	Words    []string      `bun:",array"`
	Numbers  []int64       `bun:",array"`
	Times    []time.Time   `bun:",array"`
	Floats   []float64     `bun:",array"`
	Document map[string]any
	Typed    Address                    `bun:"type:jsonb"`
	Raw      json.RawMessage            `bun:"type:jsonb"`
	IP       netip.Addr                 `bun:"type:inet"`
	Span     pgdialect.Range[time.Time] `bun:"type:tstzrange"`
	Zero     int                        `bun:",nullzero"`
}

type Address struct {
	Street string   `json:"street"`
	Lines  []string `json:"lines,omitempty"`
}

// TestTypes: what is stored comes back the same, when a row is read where it is and
// when it is brought together with others.
func TestTypes(t *testing.T) {
	cluster.Each(t, []string{"key.everything=id", "key.items=id"}, func(t *testing.T, c *cluster.Cluster) {
		ctx := t.Context()
		db := open(t, c)
		_, err := db.NewCreateTable().Model((*Everything)(nil)).Exec(ctx)
		require.NoError(t, err)
		at := time.Date(2024, 2, 29, 12, 30, 15, 123456000, time.UTC)
		no := false
		want := []Everything{
			{
				ID: "11111111-1111-4111-8111-111111111111", Small: -7, Real: 1.5, Double: 0.1, Price: "19.90", Yes: true, Maybe: &no,
				Note: sql.NullString{String: `it's a "quote" \ ? $1`, Valid: true}, Bytes: []byte{0, 1, 0xff}, At: at,
				Day: time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), Took: 3 * time.Second,
				Words: []string{"a b", `"q"`, `\`, "", "NULL", "ä,ö"}, Numbers: []int64{1, -2, 1 << 60}, Times: []time.Time{at}, Floats: []float64{0.5, -1e300},
				Document: map[string]any{"a": "b", "n": []any{1.0, nil, true}}, Typed: Address{"Main St 5", []string{"x?"}},
				Raw: json.RawMessage(`{"k": [1, "2"]}`), IP: netip.MustParseAddr("10.1.2.3"), Span: pgdialect.NewRange(at, at.Add(time.Hour)), Zero: 5,
			},
			{ID: "22222222-2222-4222-8222-222222222222", Price: "0.00", At: at, Day: time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC),
				Raw: json.RawMessage("null"), IP: netip.MustParseAddr("::1"), Span: pgdialect.NewEmptyRange[time.Time](), Words: []string{}, Document: map[string]any{}},
			{ID: "33333333-3333-4333-8333-333333333333", Small: 3, Price: "-1.00", At: at.Add(-time.Hour), Day: at.Truncate(24 * time.Hour),
				Raw: json.RawMessage("[]"), IP: netip.MustParseAddr("fe80::1"), Span: pgdialect.NewEmptyRange[time.Time]()},
		}
		_, err = db.NewInsert().Model(&want).Exec(ctx)
		require.NoError(t, err)

		read := map[string]func(q *bun.SelectQuery) *bun.SelectQuery{
			"where it is": func(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("at DESC", "id") },
			"ordered":     func(q *bun.SelectQuery) *bun.SelectQuery { return q.OrderExpr("price DESC") },
			"brought together": func(q *bun.SelectQuery) *bun.SelectQuery {
				return q.OrderExpr("row_number() OVER (ORDER BY price DESC)")
			},
		}
		for name, order := range read {
			t.Run(name, func(t *testing.T) {
				var got []Everything
				require.NoError(t, order(db.NewSelect().Model(&got)).Scan(ctx))
				require.Len(t, got, 3)
				for i := range got {
					for _, at := range []*time.Time{&got[i].At, &got[i].Day, &got[i].Span.Lower, &got[i].Span.Upper} {
						*at = at.UTC()
					}
					for j := range got[i].Times {
						got[i].Times[j] = got[i].Times[j].UTC()
					}
				}
				assert.Equal(t, want, got)
			})
		}
		t.Run("conditions", func(t *testing.T) {
			conditions := []struct {
				where string
				args  []any
				want  int64
			}{
				{"words @> ?", []any{pgdialect.Array([]string{"a b"})}, 1},
				{"? = ANY(numbers)", []any{-2}, 1},
				{"id IN (?)", []any{bun.List([]string{want[0].ID, want[2].ID})}, 2},
				{"id = ANY(?::uuid[])", []any{pgdialect.Array([]string{want[0].ID, want[1].ID})}, 2},
				{"(id, small) IN (?)", []any{bun.List([]bun.TupleValues{bun.Tuple([]any{want[0].ID, -7})})}, 1},
				{"document->>'a' = ?", []any{"b"}, 1},
				{"typed @> ?", []any{map[string]string{"street": "Main St 5"}}, 1},
				{"raw ? 'k'", nil, 1},
				{"span @> ?::timestamptz", []any{at}, 1},
				{"ip << ?", []any{"10.0.0.0/8"}, 1},
				{"at < ?", []any{at}, 1},
				{"bytes = ?", []any{[]byte{0, 1, 0xff}}, 1},
			}
			for _, cond := range conditions {
				n, err := db.NewSelect().Model((*Everything)(nil)).Where(cond.where, cond.args...).Count(ctx)
				require.NoError(t, err, cond.where)
				assert.Equal(t, cond.want, n, cond.where)
			}
		})
		t.Run("hstore", func(t *testing.T) {
			type Item struct {
				bun.BaseModel `bun:"table:items"`
				ID            int64             `bun:",pk"`
				Attrs         map[string]string `bun:",hstore"`
			}
			if c.On(t, 0, "SELECT count(*) FROM pg_available_extensions WHERE name = 'hstore'") == "0" {
				t.Skip("this PostgreSQL comes without hstore")
			}
			_, err := db.ExecContext(ctx, "CREATE EXTENSION hstore")
			require.NoError(t, err)
			_, err = db.NewCreateTable().Model((*Item)(nil)).Exec(ctx)
			require.NoError(t, err)
			want := []Item{{ID: 1, Attrs: map[string]string{"a": "b c", `"`: `=>`}}, {ID: 2, Attrs: map[string]string{}}, {ID: 3, Attrs: map[string]string{"x": ""}}, {ID: 4}}
			insert(ctx, t, db, &want)
			var got []Item
			require.NoError(t, db.NewSelect().Model(&got).Order("id").Scan(ctx))
			assert.Equal(t, want, got)
			n, err := db.NewSelect().Model((*Item)(nil)).Where("attrs->'a' = ?", "b c").Count(ctx)
			require.NoError(t, err)
			assert.EqualValues(t, 1, n)
		})
	})
}
