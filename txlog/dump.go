package txlog

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// dumpVersion is the format that [WriteContents] writes.
const dumpVersion = 1

// line is one line of a file that holds a log's contents: the head, an opening, a
// record or the end.
type line struct {
	Format   int        `json:"xapg_log,omitempty"` // in the head
	Cluster  string     `json:"cluster,omitempty"`
	ID       string     `json:"id,omitempty"`
	Exported *time.Time `json:"exported,omitempty"`
	Opening  *opening   `json:"opening,omitempty"`
	Record   *record    `json:"record,omitempty"`
	End      *end       `json:"end,omitempty"`
}

type opening struct {
	Seq  int64     `json:"seq"`
	Mark uuid.UUID `json:"mark"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

type record struct {
	ID           uuid.UUID `json:"id"`
	Outcome      string    `json:"outcome"`
	Participants []voter   `json:"participants"`
	At           time.Time `json:"at"`
	By           int64     `json:"by"`
	Finished     bool      `json:"finished"`
}

type voter struct {
	Name string `json:"name"`
	Vote string `json:"vote,omitempty"`
}

// end closes the file: how much there is in it, and a checksum of all lines before.
type end struct {
	Openings int    `json:"openings"`
	Records  int    `json:"records"`
	SHA256   string `json:"sha256"`
}

// WriteContents writes a log's contents as lines of JSON: a head, the openings, the
// records, and an end with their numbers and a checksum.
func WriteContents(w io.Writer, c Contents, now time.Time) (openings, records int, err error) {
	sum := sha256.New()
	buffered := bufio.NewWriter(w)
	enc := json.NewEncoder(io.MultiWriter(buffered, sum))
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line{Format: dumpVersion, Cluster: c.Identity.Cluster, ID: c.Identity.ID, Exported: &now}); err != nil {
		return 0, 0, err
	}
	for o, err := range c.Openings {
		if err != nil {
			return openings, records, err
		}
		if err := enc.Encode(line{Opening: &opening{o.Mark.Seq, o.Mark.ID, o.By, o.At.UTC()}}); err != nil {
			return openings, records, err
		}
		openings++
	}
	for d, err := range c.Records {
		if err != nil {
			return openings, records, err
		}
		r := &record{ID: d.ID, Outcome: d.Outcome.String(), At: d.At.UTC(), By: d.By, Finished: d.Finished}
		for _, p := range d.Participants {
			if !utf8.ValidString(p.Name) || !utf8.ValidString(p.Vote) {
				return openings, records, fmt.Errorf("txlog: %s has a participant %q, which is no text in UTF-8", d.ID, p.Name)
			}
			r.Participants = append(r.Participants, voter(p))
		}
		if err := enc.Encode(line{Record: r}); err != nil {
			return openings, records, err
		}
		records++
	}
	last := line{End: &end{openings, records, hex.EncodeToString(sum.Sum(nil))}}
	if err := enc.Encode(last); err != nil {
		return openings, records, err
	}
	return openings, records, buffered.Flush()
}

// ReadContents reads what WriteContents has written. The head is read at once; what
// is wrong with the rest, its end and checksum included, ends the sequences with an
// error.
func ReadContents(r io.Reader) (Contents, error) {
	d := &dump{in: bufio.NewReader(r), sum: sha256.New()}
	head, err := d.next()
	switch {
	case err != nil:
		return Contents{}, err
	case head.Format == 0 || head.Cluster == "" || head.ID == "":
		return Contents{}, errors.New("txlog: this is no exported decision log")
	case head.Format > dumpVersion:
		return Contents{}, fmt.Errorf("txlog: this log was exported by a newer version (format %d, this one knows %d)", head.Format, dumpVersion)
	}
	return Contents{
		Identity: Identity{Cluster: head.Cluster, ID: head.ID},
		Openings: d.openings,
		Records:  d.records,
	}, nil
}

// dump is a file that is being read.
type dump struct {
	in    *bufio.Reader
	sum   hash.Hash
	n     int   // lines so far
	held  *line // read already: the first that is no opening
	count end
}

func (d *dump) next() (line, error) {
	d.n++
	text, err := d.in.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return line{}, fmt.Errorf("txlog: line %d: the file ends before its end line: it was cut", d.n)
	}
	if err != nil {
		return line{}, err
	}
	var l line
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return line{}, fmt.Errorf("txlog: line %d cannot be read: %w", d.n, err)
	}
	if l.End == nil {
		d.sum.Write(text)
	}
	return l, nil
}

func (d *dump) openings(yield func(Opening, error) bool) {
	for {
		l, err := d.next()
		if err != nil {
			yield(Opening{}, err)
			return
		}
		if l.Opening == nil {
			d.held = &l
			return
		}
		d.count.Openings++
		o := l.Opening
		if !yield(Opening{Mark: Mark{Seq: o.Seq, ID: o.Mark}, By: o.By, At: o.At}, nil) {
			return
		}
	}
}

// take is next, beginning with the line that was read already.
func (d *dump) take() (line, error) {
	if l := d.held; l != nil {
		d.held = nil
		return *l, nil
	}
	return d.next()
}

func (d *dump) records(yield func(Decision, error) bool) {
	for {
		l, err := d.take()
		if err != nil {
			yield(Decision{}, err)
			return
		}
		if l.End != nil {
			if err := d.finish(*l.End); err != nil {
				yield(Decision{}, err)
			}
			return
		}
		r, err := l.Record.decision(d.n)
		d.count.Records++
		if !yield(r, err) || err != nil {
			return
		}
	}
}

func (r *record) decision(n int) (Decision, error) {
	if r == nil {
		return Decision{}, fmt.Errorf("txlog: line %d is no record", n)
	}
	d := Decision{ID: r.ID, At: r.At, By: r.By, Finished: r.Finished}
	switch r.Outcome {
	case Commit.String():
		d.Outcome = Commit
	case Abort.String():
		d.Outcome = Abort
	default:
		return Decision{}, fmt.Errorf("txlog: line %d: %q is no outcome", n, r.Outcome)
	}
	for _, p := range r.Participants {
		d.Participants = append(d.Participants, Participant(p))
	}
	return d, nil
}

// finish compares the end line with what was read.
func (d *dump) finish(e end) error {
	d.count.SHA256 = hex.EncodeToString(d.sum.Sum(nil))
	if e != d.count {
		return fmt.Errorf("txlog: the file was changed or is damaged: its end tells of %d openings, %d records and checksum %.12s…, "+
			"it has %d, %d and %.12s…", e.Openings, e.Records, e.SHA256, d.count.Openings, d.count.Records, d.count.SHA256)
	}
	if _, err := d.in.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("txlog: the file goes on after its end line")
	}
	return nil
}
