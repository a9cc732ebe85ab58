package shardmap

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads the text of a literal as the type's input function would: what
// stands between the quotes of 'text', or a constant's digits. (A constant with a
// point or an exponent is a numeric whatever the column's type; it is not for
// Parse of an integer type.) Errors are *ConversionError.
func (t Type) Parse(text string) (Key, error) {
	switch t {
	case Int2, Int4, Int8:
		return t.parseInt(text)
	case Text, Varchar, Bpchar:
		return t.textKey(text)
	case UUID:
		return parseUUID(text)
	case Date, Timestamp, Timestamptz:
		return t.parseTime(text)
	case Bool:
		return parseBool(text)
	case Bytea:
		return parseBytea(text)
	case Numeric:
		d, err := parseDecimal(text)
		if err != nil {
			return Key{}, err
		}
		return d.key(), nil
	default:
		return Key{}, invalid(t, text, "there are no keys of this type")
	}
}

func (t Type) parseInt(text string) (Key, error) {
	s := trimBlanks(text)
	digits := s
	if s != "" && (s[0] == '+' || s[0] == '-') {
		digits = s[1:]
	}
	if digits == "" || !allDigits(digits) {
		if looksLikeNewInteger(s) {
			return Key{}, ambiguous(t, text, "servers before PostgreSQL 16 do not read this notation; write plain decimal digits")
		}
		return Key{}, invalid(t, text, "it is not an integer")
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return Key{}, t.outOfRange(text)
	}
	return t.intKey(v)
}

// looksLikeNewInteger tells what PostgreSQL 16 has learnt to read: 0x1F, 0o17,
// 0b11 and 1_000.
func looksLikeNewInteger(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return s != "" && s[0] >= '0' && s[0] <= '9' && strings.ContainsAny(s, "_xXoObB")
}

// intKey makes a key of a number if the type can hold it.
func (t Type) intKey(v int64) (Key, error) {
	if bits := t.intBits(); v>>(bits-1) != v>>63 {
		return Key{}, t.outOfRange(strconv.FormatInt(v, 10))
	}
	return intKey(v), nil
}

func (t Type) intBits() int {
	switch t {
	case Int2:
		return 16
	case Int4:
		return 32
	default:
		return 64
	}
}

func (t Type) outOfRange(text string) error {
	return refused(t, ErrOutOfRange, stateOutOfRange, text, "it is out of range")
}

func (t Type) textKey(s string) (Key, error) {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return Key{}, refused(t, ErrInvalid, stateEncoding, s, "it contains a zero byte")
	}
	if !utf8.ValidString(s) {
		return Key{}, refused(t, ErrInvalid, stateEncoding, s, "it is not valid UTF-8")
	}
	if t == Bpchar {
		return Key{family: paddedTexts, s: strings.TrimRight(s, " ")}, nil
	}
	return Key{family: texts, s: s}, nil
}

// parseUUID accepts braces around, and a hyphen after any four digits.
func parseUUID(text string) (Key, error) {
	s := text
	if strings.HasPrefix(s, "{") {
		if !strings.HasSuffix(s, "}") {
			return Key{}, invalid(UUID, text, "it is not a UUID")
		}
		s = s[1 : len(s)-1]
	}
	var b [16]byte
	for i := range b {
		if len(s) < 2 {
			return Key{}, invalid(UUID, text, "it is not a UUID")
		}
		if _, err := hex.Decode(b[i:i+1], []byte(s[:2])); err != nil {
			return Key{}, invalid(UUID, text, "it is not a UUID")
		}
		s = s[2:]
		if i%2 == 1 && i < 15 {
			s = strings.TrimPrefix(s, "-")
		}
	}
	if s != "" {
		return Key{}, invalid(UUID, text, "it is not a UUID")
	}
	return uuidKey(b[:]), nil
}

// parseBool accepts the words and, where it is clear, their beginnings.
func parseBool(text string) (Key, error) {
	switch s := strings.ToLower(trimBlanks(text)); s {
	case "t", "tr", "tru", "true", "y", "ye", "yes", "on", "1":
		return boolKey(true), nil
	case "f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0":
		return boolKey(false), nil
	default:
		return Key{}, invalid(Bool, text, "it is not a boolean")
	}
}

func boolKey(v bool) Key {
	if v {
		return Key{family: bools, n: 1}
	}
	return Key{family: bools}
}

// parseBytea reads the hex format (\x...) and the escape format.
func parseBytea(text string) (Key, error) {
	if digits, ok := strings.CutPrefix(text, `\x`); ok {
		return parseHex(text, digits)
	}
	// The server checks the encoding of all text, whatever it is to become.
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return Key{}, refused(Bytea, ErrInvalid, stateEncoding, text, "its text is not valid UTF-8")
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch rest := text[i:]; {
		case rest[0] != '\\':
			b = append(b, rest[0])
		case strings.HasPrefix(rest, `\\`):
			b = append(b, '\\')
			i++
		case len(rest) >= 4 && rest[1] >= '0' && rest[1] <= '3' && octal(rest[2]) && octal(rest[3]):
			b = append(b, (rest[1]-'0')<<6|(rest[2]-'0')<<3|(rest[3]-'0'))
			i += 3
		default:
			return Key{}, invalid(Bytea, text, `a backslash must be followed by a second one or by three octal digits`)
		}
	}
	return Key{family: byteas, s: string(b)}, nil
}

func octal(c byte) bool { return c >= '0' && c <= '7' }

// parseHex allows blanks between the bytes, not within one.
func parseHex(text, digits string) (Key, error) {
	b := make([]byte, 0, len(digits)/2)
	for i := 0; i < len(digits); {
		switch digits[i] {
		case ' ', '\n', '\t', '\r':
			i++
			continue
		}
		v, err := hex.DecodeString(digits[i:min(i+2, len(digits))])
		if err != nil {
			return Key{}, refused(Bytea, ErrInvalid, stateParameter, text, "it is not made of pairs of hexadecimal digits")
		}
		b = append(b, v[0])
		i += 2
	}
	return Key{family: byteas, s: string(b)}, nil
}
