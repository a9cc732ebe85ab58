package etcdlog

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// format is what this code reads and writes: the number is in the key log, and in
// front of each decision.
const format = 1

// description is the value of the key log.
type description struct {
	Format  int       `json:"format"`
	Cluster string    `json:"cluster"`
	ID      string    `json:"id"`
	Etcd    string    `json:"etcd"` // the id of the etcd cluster: another one if it was restored from a snapshot
	Created time.Time `json:"created"`
}

// opening is the value of a mark's key.
type opening struct {
	ID uuid.UUID `json:"id"`
	At time.Time `json:"at"`
	By string    `json:"by"`
}

// seal is the value of the key sealed.
type seal struct {
	To string    `json:"to"`
	At time.Time `json:"at"`
}

// text writes one of the values above, which operators may read with etcdctl.
func text(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // none of them holds what cannot be written
	}
	return string(data)
}

var errCut = errors.New("a record is cut")

// encode writes a decision but for its id: the format, the outcome, the time in
// microseconds, the mark, and then for each participant its name and its vote, each
// with its length before it.
func encode(d txlog.Decision) string {
	b := []byte{format, byte(d.Outcome)}
	b = binary.AppendVarint(b, d.At.UnixMicro())
	b = binary.AppendUvarint(b, uint64(d.By))
	b = binary.AppendUvarint(b, uint64(len(d.Participants)))
	for _, p := range d.Participants {
		for _, s := range []string{p.Name, p.Vote} {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
	}
	return string(b)
}

// decode reads a decision.
func decode(id uuid.UUID, value []byte) (txlog.Decision, error) {
	d := txlog.Decision{ID: id}
	if len(value) < 2 {
		return d, errCut
	}
	if value[0] != format {
		return d, fmt.Errorf("a record has format %d, which this version does not know", value[0])
	}
	d.Outcome = txlog.Outcome(value[1])
	if d.Outcome != txlog.Commit && d.Outcome != txlog.Abort {
		return d, fmt.Errorf("a record has the outcome %d, which does not exist", value[1])
	}
	r := reader{rest: value[2:]}
	d.At = time.UnixMicro(r.signed())
	d.By = int64(r.unsigned())
	for range r.unsigned() {
		p := txlog.Participant{Name: r.text(), Vote: r.text()}
		if r.cut {
			break
		}
		d.Participants = append(d.Participants, p)
	}
	if r.cut || len(r.rest) > 0 {
		return d, errCut
	}
	return d, nil
}

// reader takes a value apart.
type reader struct {
	rest []byte
	cut  bool
}

func (r *reader) take(n int) []byte {
	if n <= 0 || n > len(r.rest) {
		r.cut, n = r.cut || n != 0, 0
	}
	part := r.rest[:n]
	r.rest = r.rest[n:]
	return part
}

func (r *reader) signed() int64 {
	v, n := binary.Varint(r.rest)
	r.cut = r.cut || n == 0
	r.take(n)
	return v
}

func (r *reader) unsigned() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.cut = r.cut || n == 0
	r.take(n)
	return v
}

func (r *reader) text() string {
	n := r.unsigned()
	if n > uint64(len(r.rest)) {
		r.cut = true
		return ""
	}
	return string(r.take(int(n)))
}

// age is the value of a key of finished: when and by which opening it was decided.
func encodeAge(at time.Time, by int64) string {
	return string(binary.AppendUvarint(binary.AppendVarint(nil, at.UnixMicro()), uint64(by)))
}

func decodeAge(value []byte) (at time.Time, by int64, err error) {
	r := reader{rest: value}
	at, by = time.UnixMicro(r.signed()), int64(r.unsigned())
	if r.cut || len(r.rest) > 0 {
		return at, by, errCut
	}
	return at, by, nil
}

// newLogID makes a log id: 60 random bits.
func newLogID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))[:12]
}

func checkCluster(name string) error {
	ok := len(name) >= 1 && len(name) <= 16
	for _, c := range name {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return fmt.Errorf("etcdlog: %q is not a cluster's name; use 1 to 16 of a-z, 0-9 and '-'", name)
	}
	return nil
}
