package xaotel

import (
	"strings"
	"unicode/utf8"

	"github.com/xapg/xapg/xadriver"
)

// spanName names spans such that there are few names: by the statement's first
// word, never by its text.
func spanName(op xadriver.Operation) string {
	name := string(op.Kind)
	if op.Kind == xadriver.OpStatement || op.Kind == xadriver.OpPart {
		if name = operationName(op.SQL); name == "" {
			name = "postgresql"
		}
	}
	if op.Shard != "" {
		name += " " + op.Shard
	}
	return name
}

// commands are the words that PostgreSQL's statements begin with.
var commands = func() map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(`ABORT ALTER ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE
		DEALLOCATE DECLARE DELETE DISCARD DO DROP END EXECUTE EXPLAIN FETCH GRANT IMPORT INSERT LISTEN LOAD LOCK MERGE MOVE
		NOTIFY PREPARE REASSIGN REFRESH REINDEX RELEASE RESET REVOKE ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW START TABLE
		TRUNCATE UNLISTEN UPDATE VACUUM VALUES WITH`) {
		set[word] = true
	}
	return set
}()

// operationName is a statement's first word, "" where that is no command: what is
// not understood is not made a name.
func operationName(sql string) string {
	sql = skipComments(sql)
	end := strings.IndexFunc(sql, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if end < 0 {
		end = len(sql)
	}
	const longest = len("DEALLOCATE")
	if end > longest {
		return ""
	}
	if word := strings.ToUpper(sql[:end]); commands[word] {
		return word
	}
	return ""
}

// skipComments skips what may come before a statement's first word.
func skipComments(sql string) string {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n\f\v(;")
		switch {
		case strings.HasPrefix(sql, "--"):
			_, sql, _ = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "/*"):
			sql = skipBlock(sql)
		default:
			return sql
		}
	}
}

// skipBlock skips a comment, which may have others within.
func skipBlock(sql string) string {
	depth := 0
	for i := 0; i+1 < len(sql); i++ {
		switch sql[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return sql[i+1:]
			}
		}
	}
	return ""
}

// setsPassword reports whether a text looks like one that sets the password of a
// role, or of a connection: CREATE or ALTER, and PASSWORD after it.
func setsPassword(sql string) bool {
	at := min(foldedIndex(sql, "create"), foldedIndex(sql, "alter"))
	return at < len(sql) && foldedIndex(sql[at:], "password") < len(sql)-at
}

// foldedIndex is where word, in lower case, begins in s in any case; len(s) where
// it does not.
func foldedIndex(s, word string) int {
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i]|0x20 == word[0] && strings.EqualFold(s[i:i+len(word)], word) {
			return i
		}
	}
	return len(s)
}

// longest is how many bytes of a text are recorded.
const longest = 8 << 10

// cut keeps a text within bounds.
func cut(sql string) string {
	if len(sql) <= longest {
		return sql
	}
	end := longest
	for end > 0 && !utf8.RuneStart(sql[end]) {
		end--
	}
	return sql[:end] + "…"
}
