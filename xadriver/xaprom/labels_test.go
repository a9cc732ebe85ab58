package xaprom

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The driver's strategies are texts in its source: of programs, of the modes of
// targets, or told as they are. Each must have a label, or it would be counted as
// "other", and be explained.
func TestEveryStrategyHasALabel(t *testing.T) {
	sources, err := filepath.Glob("../internal/plan/*.go")
	require.NoError(t, err)
	more, err := filepath.Glob("../*.go")
	require.NoError(t, err)
	strategy := regexp.MustCompile(`\bStrategy(?:, \w+\.\w+\.Reason)?(?: =|:) ?"([^"]+)"`)
	told := regexp.MustCompile(`\btell\("([^"]+)"\)`)
	modes := regexp.MustCompile(`func \(m Mode\) String\(\) string \{\s+return \[\.\.\.\]string\{([^}]+)\}`)
	found := make(map[string]bool)
	for _, name := range append(sources, more...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range append(strategy.FindAllSubmatch(text, -1), told.FindAllSubmatch(text, -1)...) {
			found[string(m[1])] = true
		}
		if m := modes.FindSubmatch(text); m != nil {
			for word := range strings.SplitSeq(strings.Trim(string(m[1]), `"`), `", "`) {
				found[word] = true
			}
		}
	}
	delete(found, "the driver itself")        // a word of `xapg route` only
	delete(found, "several shards, composed") // a program says it better
	doc, err := os.ReadFile("../../docs/observing.md")
	require.NoError(t, err)
	for s := range found {
		assert.Contains(t, strategies, s)
	}
	for s, label := range strategies {
		assert.True(t, s == "" || found[s], "the driver has no strategy %q", s)
		assert.Contains(t, string(doc), "`"+label+"`")
	}
}

func TestLabelsHaveFewValues(t *testing.T) {
	assert.Equal(t, other, strategyOf("whatever"))
	assert.Equal(t, none, strategyOf(""))
	assert.Equal(t, other, kindOf("three_phase"))
	assert.Equal(t, none, kindOf(""))
	assert.Equal(t, other, outcomeOf(""))
	for _, c := range []struct {
		err  error
		want string
	}{
		{&pgconn.PgError{Code: "23505"}, "23"},
		{fmt.Errorf("shard s1: %w", &pgconn.PgError{Code: "0A000"}), "0A"},
		{&pgconn.PgError{Code: "U0001"}, other}, // RAISE … USING ERRCODE
		{&pgconn.PgError{Code: ""}, none},
		{&pgconn.PgError{Code: "2"}, none},
		{context.Canceled, "canceled"},
		{fmt.Errorf("waiting: %w", context.DeadlineExceeded), "canceled"},
		{errors.New("whatever"), none},
	} {
		assert.Equal(t, c.want, classOf(c.err), "%v", c.err)
	}
}
