package command

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/xapg/xapg/xadriver"
)

// sweeps is for how many intervals a shard may go without a look before a backup says
// that it is not ready.
const sweeps = 3

// answerWait bounds one look at the log.
const answerWait = 10 * time.Second

// health answers whether a backup does its work.
type health struct {
	c      *xadriver.Connector
	began  time.Time
	within time.Duration
}

// newHealth serves /healthz, which tells that the process lives, and /readyz, which
// tells whether it does its work: each shard was looked at lately, and the log answers.
func newHealth(c *xadriver.Connector, cfg *xadriver.Config) http.Handler {
	h := &health{c: c, began: time.Now(), within: sweeps * cfg.ResolveEvery}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, map[string]bool{"ok": true}) })
	mux.HandleFunc("GET /readyz", h.ready)
	return mux
}

// readiness is what /readyz says.
type readiness struct {
	Ready  bool             `json:"ready"`
	Log    string           `json:"log"` // "ok", or why it does not answer
	Shards []shardReadiness `json:"shards"`
}

type shardReadiness struct {
	Shard   string     `json:"shard"`
	Ready   bool       `json:"ready"`
	Looked  *time.Time `json:"looked,omitempty"` // when it was last looked at with success
	Since   *time.Time `json:"since,omitempty"`  // when not ready: nothing was done for it since then
	Problem string     `json:"problem,omitempty"`
	InDoubt int        `json:"in_doubt"`
	Overdue int        `json:"overdue"`
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWait)
	defer cancel()
	out := readiness{Ready: true, Log: "ok"}
	if err := h.c.CheckLog(ctx); err != nil {
		out.Ready, out.Log = false, err.Error()
	}
	now := time.Now()
	for _, s := range h.c.Stats().Recovery {
		one := shardReadiness{Shard: s.Shard, InDoubt: s.InDoubt, Overdue: s.Overdue}
		last := h.began
		if !s.Looked.IsZero() {
			last = s.Looked
			one.Looked = &last
		}
		if s.Err != nil {
			one.Problem = s.Err.Error()
		}
		// Before its first look, a backup does nothing for the shard yet.
		one.Ready = one.Looked != nil && now.Sub(last) <= h.within
		if !one.Ready {
			out.Ready, one.Since = false, &last
		}
		out.Shards = append(out.Shards, one)
	}
	code := http.StatusOK
	if !out.Ready {
		code = http.StatusServiceUnavailable
	}
	reply(w, code, out)
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v)
}
