package pglog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
)

// Decide stores want as the outcome of transaction id, unless one is stored already,
// and returns the stored one, as durable as the server's commits are.
//
// The context counts until a writer takes the decision up, which it does when it has a
// connection. What follows takes a round trip, or up to answer_timeout where the
// connection is lost in between.
func (l *Log) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, participants []txlog.Participant) (txlog.Outcome, error) {
	if want != txlog.Commit && want != txlog.Abort {
		return txlog.Unknown, notStored(fmt.Errorf("pglog: %d is not an outcome to decide on; use Commit or Abort", want))
	}
	if id == uuid.Nil {
		return txlog.Unknown, notStored(errors.New("pglog: the nil UUID is not a transaction's id"))
	}
	j := &job{id: id, want: want, since: time.Now()}
	var err error
	if j.participants, j.votes, err = literals(participants); err != nil {
		return txlog.Unknown, notStored(err)
	}
	if err = l.queue.Do(ctx, j); err == nil {
		err = j.Err()
	}
	var unknown *unknownError
	switch {
	case err == nil:
		return j.stored, nil
	case errors.As(err, &unknown):
		return txlog.Unknown, err
	default:
		return txlog.Unknown, notStored(err)
	}
}

// literals writes the participants and their votes as PostgreSQL's arrays; no votes
// are nil.
func literals(participants []txlog.Participant) (names string, votes *string, err error) {
	var n, v strings.Builder
	voted := false
	for i, p := range participants {
		if i > 0 {
			n.WriteByte(',')
			v.WriteByte(',')
		}
		for _, text := range []string{p.Name, p.Vote} {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return "", nil, fmt.Errorf("pglog: %q cannot be stored: it is no text in UTF-8", text)
			}
		}
		n.WriteString(quoted(p.Name))
		v.WriteString(quoted(p.Vote))
		voted = voted || p.Vote != ""
	}
	if voted {
		text := "{" + v.String() + "}"
		votes = &text
	}
	return "{" + n.String() + "}", votes, nil
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quoted(text string) string { return `"` + escapes.Replace(text) + `"` }
