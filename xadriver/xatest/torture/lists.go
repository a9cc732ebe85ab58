package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Lists are few at any time, so that many transactions meet on each, and are left
// behind when they have become long.
const (
	listsPerShard = 3
	longList      = 40
)

// list is the key of a list: an owner's, with a number.
type list struct {
	shard int
	owner int64
	slot  int
}

func (l list) key() string { return fmt.Sprintf("%d.%d", l.owner, l.slot) }

// current is the list that takes a place now, as far as this client knows.
func (c *client) current(shard, place int) list {
	l := list{shard: shard, owner: c.anchor(shard)}
	generation := c.slots[fmt.Sprint(shard, ".", place)]
	l.slot = (c.Round*10_000+generation)*listsPerShard + place
	return l
}

// outgrown leaves a list behind when it has become long.
func (c *client) outgrown(l list, length int) {
	if length >= longList {
		at := fmt.Sprint(l.shard, ".", l.slot%listsPerShard)
		c.slots[at] = max(c.slots[at], l.slot/listsPerShard-c.Round*10_000+1)
	}
}

// choose draws some lists, in the order in which all transactions lock them.
func (c *client) choose() []list {
	n := 2 + c.r.IntN(3)
	var chosen []list
	for range n {
		l := c.current(c.r.IntN(len(c.Owners)), c.r.IntN(listsPerShard))
		if !slices.Contains(chosen, l) {
			chosen = append(chosen, l)
		}
	}
	slices.SortFunc(chosen, func(a, b list) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.slot, b.slot))
	})
	return chosen
}

// lists reads lists, all of them locked in the same order by everybody, and appends
// the transaction's number to some.
func (c *client) lists() *work {
	chosen := c.choose()
	w := &work{kind: kindLists}
	var appended []list
	for _, l := range chosen {
		if len(appended) == 0 || c.r.IntN(3) > 0 {
			appended = append(appended, l)
			if !slices.Contains(w.on, l.shard) {
				w.on = append(w.on, l.shard)
			}
		}
	}
	w.do = func(ctx context.Context, tx *sql.Tx, id int64) error {
		saw := &event{E: saysSaw, ID: id, Locked: true}
		for _, l := range chosen {
			// A list begins empty, and with the first who wants it.
			if _, err := tx.ExecContext(ctx, "INSERT INTO lists (owner, slot, v) VALUES ($1, $2, '{}') ON CONFLICT DO NOTHING", l.owner, l.slot); err != nil {
				return err
			}
			v, err := c.read(ctx, tx, l, " FOR UPDATE")
			if err != nil {
				return err
			}
			saw.Reads = append(saw.Reads, read{l.key(), v})
		}
		for _, l := range appended {
			if _, err := tx.ExecContext(ctx, "UPDATE lists SET v = v || $3::bigint WHERE owner = $1 AND slot = $2", l.owner, l.slot, id); err != nil {
				return err
			}
			saw.Appends = append(saw.Appends, l.key())
		}
		w.saw = saw
		return c.leave(ctx, tx, id, w.on...)
	}
	return w
}

// reader reads lists only: half of the time with locks that keep writers away.
func (c *client) reader() *work {
	chosen := c.choose()
	w := &work{kind: kindReader}
	locked := c.r.IntN(2) == 0
	lock := ""
	if locked {
		lock = " FOR SHARE"
	}
	w.do = func(ctx context.Context, tx *sql.Tx, id int64) error {
		saw := &event{E: saysSaw, ID: id, Locked: locked}
		for _, l := range chosen {
			v, err := c.read(ctx, tx, l, lock)
			if err == nil {
				saw.Reads = append(saw.Reads, read{l.key(), v})
			} else if err != sql.ErrNoRows { //nolint:errorlint // Scan returns it bare
				return err
			}
		}
		w.saw = saw
		return nil
	}
	return w
}

func (c *client) read(ctx context.Context, tx *sql.Tx, l list, lock string) ([]int64, error) {
	var text string
	err := tx.QueryRowContext(ctx, "SELECT array_to_string(v, ',') FROM lists WHERE owner = $1 AND slot = $2"+lock, l.owner, l.slot).Scan(&text)
	if err != nil {
		return nil, err
	}
	v, err := parseList(text)
	if err == nil {
		c.outgrown(l, len(v))
	}
	return v, err
}

// parseList reads numbers with commas between them.
func parseList(text string) ([]int64, error) {
	if text == "" {
		return nil, nil
	}
	var v []int64
	for f := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, err
		}
		v = append(v, n)
	}
	return v, nil
}
