package failover

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// History is what is known of how a server came to its timeline.
type History struct {
	Timeline uint32
	// Switches has, for timelines before this one, where they were left: as far as is
	// known, and for all of them when Complete.
	Switches map[uint32]LSN
	Complete bool
	// Replayed is how far the server had come when it took over, 0 when that is not
	// known. No earlier timeline was left beyond it.
	Replayed LSN
	// Parent is the timeline just before this one, 0 when that is not known.
	Parent uint32
	// Before is where the server was, on an earlier timeline, when that was noted: it
	// has everything up to there. Noted is where this history was.
	Before, Noted Position
	// Survivors are the transactions that were prepared when the server was first
	// looked at on this timeline, or an earlier one.
	Survivors map[uuid.UUID]bool
}

// Fate of a vote.
type Fate string

// The fates.
const (
	Kept   Fate = "kept"
	Lost   Fate = "lost"
	Untold Fate = "untold" // it cannot be told: it may be lost
)

// Fate tells what became of a vote, and where its timeline was left, 0 when that is
// not known.
func (h *History) Fate(id uuid.UUID, vote Position) (Fate, LSN) {
	at, known := h.Switches[vote.Timeline]
	switch {
	case vote.Timeline >= h.Timeline || h.Survivors[id]:
		return Kept, at
	case known && vote.LSN <= at:
		return Kept, at
	case known:
		return Lost, at
	case h.Complete:
		return Lost, 0 // the timeline is none of this server's
	case h.Replayed > 0 && vote.LSN > h.Replayed:
		return Lost, h.Replayed
	case h.Replayed > 0 && vote.Timeline == h.Parent:
		return Kept, h.Replayed
	case vote.Timeline == h.Before.Timeline && vote.LSN <= h.Before.LSN:
		return Kept, 0
	}
	return Untold, 0
}

// follow makes the history of a server out of that of the one before it, as far as it
// is known, and of what the server says: on which timeline it is, and how far it had
// come when it took over.
func follow(before *History, l look) *History {
	h := &History{Timeline: l.Timeline, Noted: l.Position, Switches: make(map[uint32]LSN), Survivors: make(map[uuid.UUID]bool), Complete: l.Timeline == 1}
	if l.received {
		h.Replayed = l.replayed
	}
	if before == nil {
		return h
	}
	h.Before = before.Noted
	maps.Copy(h.Switches, before.Switches)
	maps.Copy(h.Survivors, before.Survivors)
	if before.Timeline+1 == l.Timeline {
		h.Parent = before.Timeline
		if h.Replayed > 0 {
			h.Switches[h.Parent], h.Complete = h.Replayed, before.Complete
		}
	}
	return h
}

// readHistory reads the file in which PostgreSQL keeps where the timelines before one
// were left: a line for each, with its number, the position, and a reason.
func (h *History) readHistory(text string) {
	switches := make(map[uint32]LSN)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || strings.HasPrefix(f[0], "#") {
			continue
		}
		n, err := strconv.ParseUint(f[0], 10, 32)
		at, ok := parseLSN(f[1])
		if err != nil || !ok {
			return
		}
		switches[uint32(n)] = at
	}
	if len(switches) > 0 {
		h.Switches, h.Complete = switches, true
	}
}

// String is how a history is kept in a table.
func (h *History) String() string {
	var parts []string
	for t, at := range h.Switches {
		parts = append(parts, Position{t, at}.String())
	}
	slices.Sort(parts)
	return fmt.Sprintf("complete=%t replayed=%s parent=%d before=%s noted=%s switches=%s", h.Complete, h.Replayed, h.Parent, h.Before, h.Noted, strings.Join(parts, ","))
}

// parseHistory is the other way round.
func parseHistory(timeline uint32, s string) (h *History) {
	h = &History{Timeline: timeline, Switches: make(map[uint32]LSN), Survivors: make(map[uuid.UUID]bool)}
	for _, f := range strings.Fields(s) {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "complete":
			h.Complete = value == "true"
		case "replayed":
			h.Replayed, _ = parseLSN(value)
		case "parent":
			n, _ := strconv.ParseUint(value, 10, 32)
			h.Parent = uint32(n)
		case "before":
			h.Before, _ = ParsePosition(value)
		case "noted":
			h.Noted, _ = ParsePosition(value)
		case "switches":
			for _, part := range strings.Split(value, ",") {
				if p, ok := ParsePosition(part); ok {
					h.Switches[p.Timeline] = p.LSN
				}
			}
		}
	}
	return h
}
