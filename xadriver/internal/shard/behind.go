package shard

import (
	"bytes"
	"encoding/binary"
)

// behind lets one statement run behind the next one that the client library sends, in
// the same message and the same implicit transaction: what PostgreSQL commits at the
// end of the message are both. It is the counterpart of what goes ahead, and like that
// is taken out of the server's answers. It must be one whose answer is no more than its
// command tag.
type behind struct {
	sql   string // to be put behind the next statement; "" for none
	known string // what is prepared on the server under the name below

	// What is still to be filtered from the server's answers.
	answers int    // of the library's own statements, which come first
	on      bool   // until the next ReadyForQuery, answers are filtered
	simple  bool   // they belong to a simple Query
	parsing string // what is being prepared
	held    []byte // a CommandComplete that may be the one to take out
}

const behindName = "xapg_behind"

// put adds the statement to the library's message, where it runs something.
func (b *behind) put(p []byte) []byte {
	switch {
	case b.sql == "" || len(p) < 6:
		return p
	case p[0] == 'Q':
		return b.putQuery(p)
	default:
		return b.putExtended(p)
	}
}

func (b *behind) putQuery(p []byte) []byte {
	size := int(binary.BigEndian.Uint32(p[1:5])) + 1
	if size != len(p) || p[size-1] != 0 {
		return p
	}
	more := "\n;" + b.sql // a comment may end the text
	msg := make([]byte, 0, len(p)+len(more))
	msg = append(msg, 'Q')
	msg = binary.BigEndian.AppendUint32(msg, uint32(size-1+len(more)))
	msg = append(msg, p[5:size-1]...)
	msg = append(msg, more...)
	msg = append(msg, 0)
	b.sql, b.on, b.simple = "", true, true
	return msg
}

// putExtended puts it between the last Execute and the Sync.
func (b *behind) putExtended(p []byte) []byte {
	executes, named := 0, false
	at := 0
	for at+5 <= len(p) {
		size := int(binary.BigEndian.Uint32(p[at+1:at+5])) + 1
		if at+size > len(p) {
			return p
		}
		switch p[at] {
		case 'E':
			executes++
		case 'B':
			named = namesStatement(p[at+5 : at+size])
		case 'S':
			if executes == 0 || at+size != len(p) {
				return p
			}
			msg := make([]byte, 0, len(p)+len(b.sql)+80)
			msg = append(msg, p[:at]...)
			msg = b.statement(msg, named)
			b.sql, b.on, b.simple, b.answers = "", true, false, executes
			return append(msg, p[at:]...)
		}
		at += size
	}
	return p
}

// namesStatement tells whether a Bind message's statement has a name: then names last
// on this connection, and ours is prepared once as well.
func namesStatement(bind []byte) bool {
	portal := bytes.IndexByte(bind, 0)
	return portal >= 0 && portal+1 < len(bind) && bind[portal+1] != 0
}

func (b *behind) statement(msg []byte, named bool) []byte {
	name := ""
	if named {
		name = behindName
	}
	b.parsing = ""
	if !named || b.known != b.sql {
		if named {
			b.parsing = b.sql
		}
		msg = append(msg, 'P')
		msg = binary.BigEndian.AppendUint32(msg, uint32(4+len(name)+1+len(b.sql)+1+2))
		msg = append(msg, name...)
		msg = append(msg, 0)
		msg = append(msg, b.sql...)
		msg = append(msg, 0, 0, 0)
	}
	msg = append(msg, 'B')
	msg = binary.BigEndian.AppendUint32(msg, uint32(4+1+len(name)+1+6))
	msg = append(msg, 0)
	msg = append(msg, name...)
	msg = append(msg, 0, 0, 0, 0, 0, 0, 0)
	return append(msg, 'E', 0, 0, 0, 9, 0, 0, 0, 0, 0)
}

// filter takes one of the server's messages and returns what the library is to see of
// it and of what was held back.
func (b *behind) filter(kind byte, msg []byte) []byte {
	switch {
	case kind == 'Z':
		b.on, b.held, b.answers, b.parsing = false, nil, 0, ""
		return msg
	case kind == 'E':
		b.on, b.parsing = false, ""
		return b.flush(msg)
	case kind == 'N' || kind == 'S' || kind == 'A': // they may come at any time
		return msg
	case b.simple && kind == 'C':
		last := b.held
		b.held = msg
		return last
	case b.simple:
		return b.flush(msg)
	case kind == 'C' || kind == 'I' || kind == 's':
		if b.answers > 0 {
			b.answers--
			return msg
		}
		return nil
	case b.answers == 0 && kind == '1':
		if b.parsing != "" {
			b.known = b.parsing
		}
		return nil
	case b.answers == 0 && kind == '2':
		return nil
	default:
		return msg
	}
}

func (b *behind) flush(msg []byte) []byte {
	if b.held == nil {
		return msg
	}
	all := append(b.held[:len(b.held):len(b.held)], msg...)
	b.held = nil
	return all
}

// ReadOnly reports whether transactions of the session write nothing that lasts, unless
// they say otherwise, as far as the server tells (PostgreSQL 14 and later do).
func (c *Conn) ReadOnly() bool {
	return c.pgx != nil && c.pgx.Conn().PgConn().ParameterStatus("default_transaction_read_only") == "on"
}

// Behind lets a statement run behind the next one, in its implicit transaction; see
// behind. It does nothing where statements cannot travel with others.
func (c *Conn) Behind(sql string) {
	if c.ahead != nil {
		c.ahead.behind.sql = sql
	}
}
