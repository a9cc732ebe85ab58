package shard

import (
	"encoding/binary"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgproto3"
)

// ahead lets statements travel in the same network message as the next one that
// the client library sends, so that BEGIN costs no round trip of its own. It
// stands between pgx and the connection and works on PostgreSQL's frontend/backend
// protocol: what is queued is put before the library's own message, and the
// server's answers to it are taken out of the stream before the library sees it.
//
// Before an extended-protocol message the queue becomes Parse, Bind and Execute
// without a Sync, so that an error in it (a cancellation that came late, say)
// makes the server skip the library's messages too: a statement can never run
// outside of the transaction whose BEGIN went ahead of it. Before a simple Query
// the queue is put into the same query string, with the same effect, and error
// positions are corrected.
//
// It is used by one goroutine at a time, like the connection that it belongs to.
type ahead struct {
	r io.Reader
	w io.Writer

	queue  []string
	behind behind

	written atomic.Int64 // bytes that left for the server, but for farewells

	// What is still to be filtered from the server's answers.
	swallow int  // CommandComplete messages that answer queued statements
	shift   int  // characters by which error positions are too large
	simple  bool // until the next ReadyForQuery, answers belong to a simple Query

	in  []byte // read from the server and not yet filtered
	out []byte // filtered and not yet handed on
}

// frontend is what pgx calls to build its end of the protocol.
func (a *ahead) frontend(r io.Reader, w io.Writer, build func(io.Reader, io.Writer) *pgproto3.Frontend) *pgproto3.Frontend {
	a.r, a.w = r, w
	return build(readerFunc(a.read), writerFunc(a.write))
}

type (
	readerFunc func([]byte) (int, error)
	writerFunc func([]byte) (int, error)
)

func (f readerFunc) Read(p []byte) (int, error)  { return f(p) }
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (a *ahead) write(given []byte) (int, error) {
	p := a.behind.put(given)
	if len(a.queue) == 0 || len(p) == 0 {
		return a.pass(given, p)
	}
	var msg []byte
	switch p[0] {
	case 'P', 'B', 'D', 'E', 'C', 'H', 'S':
		msg = a.extended(p)
	case 'Q':
		msg = a.query(p)
	default: // Terminate and the like: nothing that runs in a transaction
		return a.pass(given, p)
	}
	if msg == nil {
		return a.pass(given, p)
	}
	a.swallow += len(a.queue)
	a.queue = a.queue[:0]
	return a.pass(given, msg)
}

// pass writes msg to the server where the library wrote p.
func (a *ahead) pass(p, msg []byte) (int, error) {
	n, err := a.w.Write(msg)
	if n > 0 && msg[0] != 'X' {
		a.written.Add(int64(n))
	}
	switch {
	case err == nil:
		return len(p), nil
	case n == 0:
		return 0, err
	default:
		// The library must not believe that nothing was sent.
		return 1, err
	}
}

// extended puts the queue before an extended-protocol message.
func (a *ahead) extended(p []byte) []byte {
	size := len(p)
	for _, sql := range a.queue {
		size += len(sql) + 40
	}
	msg := make([]byte, 0, size)
	for _, sql := range a.queue {
		msg = append(msg, 'P')
		msg = binary.BigEndian.AppendUint32(msg, uint32(4+1+len(sql)+1+2))
		msg = append(msg, 0)
		msg = append(msg, sql...)
		msg = append(msg, 0, 0, 0)
		msg = append(msg, 'B', 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0)
		msg = append(msg, 'E', 0, 0, 0, 9, 0, 0, 0, 0, 0)
	}
	return append(msg, p...)
}

// query puts the queue into the text of a simple Query, which must be the whole
// of p or its first message.
func (a *ahead) query(p []byte) []byte {
	if len(p) < 6 {
		return nil
	}
	size := 0
	chars := 0
	for _, sql := range a.queue {
		size += len(sql) + 1
		for _, r := range sql {
			if r != 0 {
				chars++
			}
		}
		chars++
	}
	length := binary.BigEndian.Uint32(p[1:5])
	msg := make([]byte, 0, len(p)+size)
	msg = append(msg, 'Q')
	msg = binary.BigEndian.AppendUint32(msg, length+uint32(size))
	for _, sql := range a.queue {
		msg = append(msg, sql...)
		msg = append(msg, ';')
	}
	a.shift = chars
	a.simple = true
	return append(msg, p[5:]...)
}

func (a *ahead) filtering() bool { return a.swallow > 0 || a.simple || a.behind.on }

func (a *ahead) read(p []byte) (int, error) {
	for {
		if len(a.out) > 0 {
			n := copy(p, a.out)
			a.out = a.out[n:]
			return n, nil
		}
		if !a.filtering() {
			if len(a.in) > 0 {
				a.out, a.in = a.in, nil
				continue
			}
			return a.r.Read(p)
		}
		if a.filter() {
			continue
		}
		if err := a.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads more from the server.
func (a *ahead) fill() error {
	const chunk = 8192
	if cap(a.in)-len(a.in) < chunk/2 {
		grown := make([]byte, len(a.in), 2*len(a.in)+chunk)
		copy(grown, a.in)
		a.in = grown
	}
	n, err := a.r.Read(a.in[len(a.in):cap(a.in)])
	a.in = a.in[:len(a.in)+n]
	if n > 0 {
		return nil
	}
	return err
}

// filter moves one whole message from in to out, or drops it, and reports
// whether there was one.
func (a *ahead) filter() bool {
	if len(a.in) < 5 {
		return false
	}
	size := int(binary.BigEndian.Uint32(a.in[1:5])) + 1
	kind := a.in[0]
	if len(a.in) < size {
		return false
	}
	msg := a.in[:size:size]
	a.in = a.in[size:]
	switch kind {
	case '1', '2', 'T', 'D': // ParseComplete, BindComplete, RowDescription, DataRow
		if a.swallow > 0 {
			return true
		}
	case 'C': // CommandComplete
		if a.swallow > 0 {
			a.swallow--
			return true
		}
	case 'E': // ErrorResponse: the rest of the queue was skipped
		a.swallow = 0
		msg = a.unshift(msg)
	case 'N': // NoticeResponse
		msg = a.unshift(msg)
	case 'Z': // ReadyForQuery
		a.swallow, a.shift, a.simple = 0, 0, false
	}
	if a.behind.on {
		msg = a.behind.filter(kind, msg)
	}
	a.out = msg
	return true
}

// unshift corrects the position in an error or notice that was counted from the
// start of the queued statements.
func (a *ahead) unshift(msg []byte) []byte {
	if a.shift == 0 {
		return msg
	}
	fixed := append([]byte(nil), msg[:5]...)
	for rest := msg[5:]; len(rest) > 0 && rest[0] != 0; {
		end := 1
		for end < len(rest) && rest[end] != 0 {
			end++
		}
		field := rest[:end]
		rest = rest[min(end+1, len(rest)):]
		if field[0] == 'P' {
			if pos, err := strconv.Atoi(string(field[1:])); err == nil && pos > a.shift {
				field = append([]byte{'P'}, strconv.Itoa(pos-a.shift)...)
			}
		}
		fixed = append(fixed, field...)
		fixed = append(fixed, 0)
	}
	fixed = append(fixed, 0)
	binary.BigEndian.PutUint32(fixed[1:5], uint32(len(fixed)-1))
	return fixed
}
