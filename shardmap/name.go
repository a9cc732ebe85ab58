package shardmap

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	publicSchema = "public"
	// maxIdent is the longest identifier PostgreSQL keeps (NAMEDATALEN - 1, in bytes).
	maxIdent = 63
)

// ParseName reads the name of a table as PostgreSQL would: folded to lower case
// unless it is in double quotes, where "" stands for one quote; with a schema in
// front where one is given, public otherwise. Blanks around the parts do not
// count. A name that PostgreSQL would cut (more than 63 bytes) is refused.
func ParseName(s string) (schema, name string, err error) {
	first, rest, err := parseIdent(s)
	if err != nil {
		return "", "", err
	}
	if rest == "" {
		return publicSchema, first, nil
	}
	if rest[0] != '.' {
		return "", "", unexpectedInName(s, rest)
	}
	second, rest, err := parseIdent(rest[1:])
	if err != nil {
		return "", "", err
	}
	if rest != "" {
		if rest[0] == '.' {
			return "", "", fmt.Errorf("name %s has more than two parts; write schema.table", quoteForMessage(s))
		}
		return "", "", unexpectedInName(s, rest)
	}
	return first, second, nil
}

// parseColumn reads the name of a column by the same rules.
func parseColumn(s string) (string, error) {
	name, rest, err := parseIdent(s)
	if err != nil {
		return "", err
	}
	if rest != "" {
		return "", unexpectedInName(s, rest)
	}
	return name, nil
}

func unexpectedInName(s, rest string) error {
	r, _ := utf8.DecodeRuneInString(rest)
	return fmt.Errorf("name %s: unexpected %q; put a name with other characters than letters, digits, _ and $ in double quotes", quoteForMessage(s), r)
}

// parseIdent reads one identifier and the blanks around it.
func parseIdent(s string) (ident, rest string, err error) {
	s = strings.TrimLeft(s, blanks)
	if !utf8.ValidString(s) {
		return "", "", errors.New("a name must be valid UTF-8")
	}
	switch {
	case s == "":
		return "", "", errors.New("a name is missing")
	case s[0] == '"':
		ident, rest, err = parseQuoted(s)
		if err != nil {
			return "", "", err
		}
	case !identStart(s[0]):
		return "", "", unexpectedInName(s, s)
	default:
		n := 1
		for n < len(s) && (identStart(s[n]) || s[n] >= '0' && s[n] <= '9' || s[n] == '$') {
			n++
		}
		ident, rest = foldCase(s[:n]), s[n:]
	}
	if len(ident) > maxIdent {
		return "", "", fmt.Errorf("name %s is longer than %d bytes, which PostgreSQL would cut; write the name the table really has", quoteForMessage(ident), maxIdent)
	}
	return ident, strings.TrimLeft(rest, blanks), nil
}

func parseQuoted(s string) (ident, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == 0:
			return "", "", errors.New("a name must not contain a zero byte")
		case s[i] != '"':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '"':
			b.WriteByte('"')
			i++
		case b.Len() == 0:
			return "", "", errors.New(`a name in quotes must not be empty`)
		default:
			return b.String(), s[i+1:], nil
		}
	}
	return "", "", fmt.Errorf("name %s: the closing double quote is missing", quoteForMessage(s))
}

func identStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

// foldCase folds only A to Z, as PostgreSQL does in a multi-byte encoding.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func quoteIdent(s string) string {
	if ident, rest, err := parseIdent(s); err == nil && ident == s && rest == "" {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
