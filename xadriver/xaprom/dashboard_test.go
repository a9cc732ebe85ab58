package xaprom_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everything does some of all that there are figures of.
func everything(t *testing.T, b *bank) {
	t.Helper()
	require.NoError(t, b.write(t, 0, 1).Commit())
	require.NoError(t, b.write(t, 0, 1).Rollback())
	require.NoError(t, b.QueryRow("SELECT sum(balance) FROM accounts").Scan(new(int)))
	_, err := b.Exec("SELECT 1/0 FROM accounts WHERE owner = $1", owners[0])
	require.Error(t, err)
	tx := b.write(t, 0, 1, 2)
	_, err = tx.Exec("INSERT INTO payments VALUES ($1, 1)", owners[2]+"x") // of nobody: a vote of no
	require.NoError(t, err)
	require.Error(t, tx.Commit())
	require.Eventually(t, func() bool { return b.scrape(t).sum("xapg_shard_up") == 3 }, 10*time.Second, 5*time.Millisecond)
}

// dashboard is as much of Grafana's format as matters here.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
	Panels []struct {
		ID          int
		Type, Title string
		GridPos     struct{ X, Y, W, H int }
		Datasource  *struct{ Type, UID string }
		Targets     []struct {
			RefID, Expr, LegendFormat string
			Datasource                struct{ Type, UID string }
		}
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

var (
	metricName = regexp.MustCompile(`\bxapg_[a-z_]+`)
	parts      = regexp.MustCompile(`_(bucket|sum|count)$`)
	grouping   = regexp.MustCompile(`\bby \(([a-z, ]+)\)`)
	matcher    = regexp.MustCompile(`[{,]([a-z]+)(?:=~|!=|!~|=)"`)
	legend     = regexp.MustCompile(`\{\{([a-z]+)\}\}`)
)

// labels gathers which labels each exported metric has.
func labels(t *testing.T, b *bank) map[string][]string {
	t.Helper()
	families, err := b.registry.Gather()
	require.NoError(t, err)
	out := make(map[string][]string)
	for _, f := range families {
		names := []string{"job", "instance", "le"} // those that Prometheus adds
		for _, l := range f.GetMetric()[0].GetLabel() {
			names = append(names, l.GetName())
		}
		out[f.GetName()] = names
	}
	return out
}

func TestTheDashboardShowsWhatIsExported(t *testing.T) {
	b := openBank(t, nil)
	everything(t, b)
	exported := labels(t, b)
	shown := make(map[string]bool)
	d := readDashboard(t)
	for _, v := range d.Templating.List {
		for _, name := range metricName.FindAllString(v.Definition, -1) {
			assert.Contains(t, exported, name, "variable %s", v.Name)
		}
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			names := metricName.FindAllString(target.Expr, -1)
			require.NotEmpty(t, names, p.Title)
			var used []string
			for _, list := range grouping.FindAllStringSubmatch(target.Expr, -1) {
				used = append(used, strings.Split(list[1], ", ")...)
			}
			for _, pattern := range []*regexp.Regexp{matcher, legend} {
				for _, m := range append(pattern.FindAllStringSubmatch(target.Expr, -1), pattern.FindAllStringSubmatch(target.LegendFormat, -1)...) {
					used = append(used, m[1])
				}
			}
			for _, name := range names {
				name = parts.ReplaceAllString(name, "")
				shown[name] = true
				if assert.Contains(t, exported, name, p.Title) {
					assert.Subset(t, exported[name], used, "%s: %s", p.Title, target.Expr)
				}
			}
		}
	}
	for name := range exported {
		assert.True(t, shown[name], "%s is nowhere on the dashboard", name)
	}
}

func TestTheDashboardCanBeImported(t *testing.T) {
	d := readDashboard(t)
	assert.NotEmpty(t, d.UID)
	assert.NotEmpty(t, d.Title)
	assert.Positive(t, d.SchemaVersion)
	assert.Equal(t, "datasource", d.Templating.List[0].Type)
	var rows []string
	ids := make(map[int]bool)
	taken := make(map[[2]int]string)
	for _, p := range d.Panels {
		assert.False(t, ids[p.ID], "two panels have the number %d", p.ID)
		ids[p.ID] = true
		assert.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				assert.Empty(t, taken[at], "%s lies over another panel", p.Title)
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		require.NotEmpty(t, p.Targets, p.Title)
		assert.Equal(t, "${datasource}", p.Datasource.UID, p.Title)
		refs := make(map[string]bool)
		for _, target := range p.Targets {
			assert.False(t, refs[target.RefID], p.Title)
			refs[target.RefID] = true
			assert.Equal(t, "${datasource}", target.Datasource.UID, p.Title)
			assert.Contains(t, target.Expr, `cluster=~"$cluster"`, p.Title)
			for _, pair := range []string{"()", "{}", "[]"} {
				assert.Equal(t, strings.Count(target.Expr, pair[:1]), strings.Count(target.Expr, pair[1:]), target.Expr)
			}
		}
	}
	assert.Equal(t, []string{"Transactions", "Commit phases", "Statements", "Pools", "Recovery"}, rows)
}

func TestTheDocumentationListsWhatIsExported(t *testing.T) {
	text, err := os.ReadFile("../../docs/observing.md")
	require.NoError(t, err)
	b := openBank(t, nil)
	everything(t, b)
	f := b.scrape(t)
	for _, name := range f.names() {
		assert.Regexp(t, "(?m)^\\| `"+name+"[`{]", string(text), "a row of the table of metrics")
	}
	for _, name := range metricName.FindAllString(string(text), -1) {
		assert.True(t, slices.Contains(f.names(), parts.ReplaceAllString(name, "")), "%s is documented, and not exported", name)
	}
}
