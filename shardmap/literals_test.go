package shardmap_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/shardmap"
)

var allTypes = []shardmap.Type{
	shardmap.Int2, shardmap.Int4, shardmap.Int8, shardmap.Text, shardmap.Varchar, shardmap.Bpchar, shardmap.UUID,
	shardmap.Date, shardmap.Timestamp, shardmap.Timestamptz, shardmap.Bool, shardmap.Bytea, shardmap.Numeric,
}

var oids = map[shardmap.Type]uint32{
	shardmap.Int2: 21, shardmap.Int4: 23, shardmap.Int8: 20, shardmap.Text: 25, shardmap.Varchar: 1043, shardmap.Bpchar: 1042,
	shardmap.UUID: 2950, shardmap.Date: 1082, shardmap.Timestamp: 1114, shardmap.Timestamptz: 1184, shardmap.Bool: 16,
	shardmap.Bytea: 17, shardmap.Numeric: 1700,
}

// pgName is the type without the length of 1 that "character" has.
func pgName(t shardmap.Type) string {
	if t == shardmap.Bpchar {
		return "bpchar"
	}
	return t.String()
}

// literals gives n texts, edges first, that are valid for the type.
func literals(rng *rand.Rand, typ shardmap.Type, n int) []string {
	texts := append([]string(nil), edges[typ]...)
	for len(texts) < n {
		texts = append(texts, randomLiteral(rng, typ))
	}
	return texts
}

var edges = map[shardmap.Type][]string{
	shardmap.Int2: {"0", "-0", "+0", "1", "-1", "32767", "-32768", " 00012 ", "\t\n7\v\f\r"},
	shardmap.Int4: {"0", "-0", "1", "-1", "2147483647", "-2147483648", " +5"},
	shardmap.Int8: {"0", "1", "-1", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "-4294967296",
		"-4294967297", "9223372036854775807", "-9223372036854775808"},
	shardmap.Text:    {"", " ", "a", "a ", "é", "a\u0301", strings.Repeat("x", 1000), "\n", "12345678901", "123456789012", "1234567890123"},
	shardmap.Varchar: {"", " ", "a", "a ", "ab   ", "abcde   ", "abcdef", "ééééé", "éééééé", "ééééé  "},
	shardmap.Bpchar:  {"", " ", "   ", "a", "a ", "a  ", " a", "a\t ", "abcd   ", "abcde", "éééé ", "é \u00a0"},
	shardmap.UUID: {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
		"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
	shardmap.Date: {"2000-01-01", "1999-12-31", "0001-01-01", "0001-12-31 BC", "4714-11-24 BC", "5874897-12-31", "infinity", "-infinity", "Infinity",
		"epoch", "2024-02-29", "0005-02-29 BC", "1970-01-01", " 2020-1-2 ", "2020-01-02 23:59:60", "2020-01-02 24:00:00", "2020-01-02T23:00:00-10",
		"2020-01-02 23:59:59.9999999", "1582-10-10", "2020-01-02 AD", "1900-02-28", "1900-03-01"},
	shardmap.Timestamp: {"2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity",
		"-infinity", "epoch", "2020-01-02", "2020-01-02 24:00:00", "2020-01-02 23:59:60", "2020-01-02 10:30:60.5", "2020-01-02 23:59:59.9999999",
		"2020-01-02 00:00:00.0000005", "2020-01-02 00:00:00.0000015", "2020-01-02T03:04:05Z", "2020-01-02 03:04", "2020-01-02 3:4:5", "2020-01-02 03:04:05+05:30",
		"2020-01-02 03:04:05.6 BC", "2020-01-02 03:04:05.6+01 BC", "1999-12-31 23:59:59.5", "1999-12-31 23:59:59.4"},
	shardmap.Timestamptz: {"2000-01-01 00:00:00+00", "1999-12-31 23:59:59.999999Z", "4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00",
		"294277-01-01 00:00:00+01", "4714-11-24 01:00:00+01 BC", "infinity", "-infinity", "epoch", "2020-01-02T03:04:05.678Z", "2020-01-02T03:04:05+0530",
		"2020-01-02 03:04:05 -11:30", "2020-01-02 03:04:05+15:59:59", "2020-01-02 03:04:05-15:59:59", "2020-01-02 03:04+1", "2020-01-02 24:00:00z",
		"1900-01-01 00:00:00+01:34:52"},
	shardmap.Bool:  {"t", "f", "true", "FALSE", "tr", "y", "n", "yes", "no", "on", "of", "off", "1", "0", " T ", "\tYe\n"},
	shardmap.Bytea: {"", `\x`, `\x00`, `\xDEADbeef`, `\x de ad`, `abc`, `\\`, `\000`, `\377\001`, `a\\b\134`, "é", "\\x 00\n11\t"},
	shardmap.Numeric: {"0", "-0", "0.0000", "1", "-1", "1.0", "1.000000000", "10000", "9999", "99999999", "0.0001", "0.00001", "0.1", "-0.00000001", "1e4", "1E-4",
		"1e+10", ".5", "5.", "+5", " 7 ", "NaN", "nan", "Infinity", "-Infinity", "inf", "+INF", "-inf", "1e131071", "1e-16383", "0e100000", "0e-16383",
		"123456789012345678901234567890.123456789", "100000000000000000000000000", "0.00000000000000000000000000001", "1e100", "9.9999999e3", "0009.9000",
		"999.9995", "99999999.995", "-0.0005", "0.00099", "0.000995", "99500", "99499.99", "500", "-500", "499.9"},
}

func randomLiteral(rng *rand.Rand, typ shardmap.Type) string {
	switch typ {
	case shardmap.Int2:
		return randomInt(rng, 16)
	case shardmap.Int4:
		return randomInt(rng, 32)
	case shardmap.Int8:
		return randomInt(rng, 64)
	case shardmap.Text, shardmap.Varchar, shardmap.Bpchar:
		return randomText(rng)
	case shardmap.UUID:
		return randomUUID(rng)
	case shardmap.Bool:
		return pick(rng, edges[shardmap.Bool])
	case shardmap.Bytea:
		return randomBytea(rng)
	case shardmap.Numeric:
		return randomNumeric(rng)
	case shardmap.Date:
		return randomDate(rng)
	default:
		return randomTimestamp(rng, typ)
	}
}

func pick(rng *rand.Rand, from []string) string { return from[rng.Intn(len(from))] }

func randomInt(rng *rand.Rand, bits int) string {
	v := int64(rng.Uint64()) >> (64 - bits) >> rng.Intn(bits)
	s := strconv.FormatInt(v, 10)
	if rng.Intn(8) == 0 {
		s = pick(rng, []string{" ", "\t", ""}) + s + pick(rng, []string{" ", "\n", ""})
	}
	return s
}

func randomText(rng *rand.Rand) string {
	alphabet := []rune("abcXYZ 0189-_'\"\\éßΩ漢😀\u00a0\t")
	n := rng.Intn(30)
	if rng.Intn(3) == 0 {
		n = rng.Intn(7)
	}
	b := make([]rune, n)
	for i := range b {
		b[i] = alphabet[rng.Intn(len(alphabet))]
	}
	return string(b) + pick(rng, []string{"", "", " ", "   "})
}

func randomUUID(rng *rand.Rand) string {
	var u uuid.UUID
	rng.Read(u[:])
	s := u.String()
	switch rng.Intn(4) {
	case 0:
		return strings.ReplaceAll(s, "-", "")
	case 1:
		return "{" + strings.ToUpper(s) + "}"
	default:
		return s
	}
}

func randomBytea(rng *rand.Rand) string {
	b := make([]byte, rng.Intn(30))
	rng.Read(b)
	if rng.Intn(2) == 0 {
		return `\x` + hex.EncodeToString(b)
	}
	var s strings.Builder
	for _, c := range b {
		switch {
		case c == '\\':
			s.WriteString(`\\`)
		case c < ' ' || c > '~' || rng.Intn(4) == 0:
			fmt.Fprintf(&s, `\%03o`, c)
		default:
			s.WriteByte(c)
		}
	}
	return s.String()
}

func randomNumeric(rng *rand.Rand) string {
	digits := func(max int) string {
		b := make([]byte, rng.Intn(max))
		for i := range b {
			b[i] = byte('0' + rng.Intn(10))
			if rng.Intn(3) == 0 {
				b[i] = pick(rng, []string{"0", "9", "5"})[0]
			}
		}
		return string(b)
	}
	s := pick(rng, []string{"", "-", "+"}) + digits(20)
	if frac := digits(20); frac != "" {
		s += "." + frac
	}
	if strings.Trim(s, "+-.") == "" {
		s += "0"
	}
	switch rng.Intn(8) {
	case 0:
		s += "e" + strconv.Itoa(rng.Intn(60)-30)
	case 1:
		s += "E+" + strconv.Itoa(rng.Intn(3000))
	case 2:
		s += "e-" + strconv.Itoa(rng.Intn(3000))
	}
	return s
}

// randomTime spreads over all years, with most of them near our own.
func randomTime(rng *rand.Rand, maxYear int) time.Time {
	year := 1950 + rng.Intn(120)
	switch rng.Intn(4) {
	case 0:
		year = rng.Intn(maxYear+4000) - 4000
	case 1:
		year = rng.Intn(9000) - 4000
	}
	return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rng.Int63n(365 * 86400 * 1e9)))
}

func randomDate(rng *rand.Rand) string {
	t := randomTime(rng, 5_874_000)
	if rng.Intn(3) == 0 {
		return isoTimestamp(t, pick(rng, []string{"", "Z", "+03"}))
	}
	s, _, _ := strings.Cut(isoTimestamp(t, ""), " ")
	if t.Year() <= 0 {
		s += " BC"
	}
	return s
}

func isoTimestamp(t time.Time, zone string) string {
	year, era := t.Year(), ""
	if year <= 0 {
		year, era = 1-year, " BC"
	}
	return fmt.Sprintf("%04d-%s%s%s", year, t.Format("01-02 15:04:05.999999999"), zone, era)
}

func randomTimestamp(rng *rand.Rand, typ shardmap.Type) string {
	t := randomTime(rng, 294_200)
	if rng.Intn(2) == 0 {
		t = t.Truncate(time.Microsecond)
	} else if rng.Intn(4) == 0 {
		t = t.Truncate(time.Minute)
	}
	zone := ""
	if typ == shardmap.Timestamptz || rng.Intn(8) == 0 {
		zone = pick(rng, []string{"+00", "Z", "z", "+05:30", "-08", " +0130", "-11:59:59", "+9"})
	}
	s := isoTimestamp(t, zone)
	if t.Year() > 0 && rng.Intn(3) == 0 {
		s = strings.Replace(s, " ", "T", 1)
	}
	return s
}

// damaged gives texts with a character or two changed, dropped or added, out of
// those that have a meaning for the type.
func damaged(rng *rand.Rand, typ shardmap.Type, n int) []string {
	alphabet := []rune("0123456789 -+.:TZeE\\xabcfntruyo{}_/,é\tBCAD'inf")
	texts := make([]string, 0, n)
	for len(texts) < n {
		s := []rune(randomLiteral(rng, typ))
		if rng.Intn(4) == 0 {
			s = []rune(pick(rng, edges[typ]))
		}
		for range 1 + rng.Intn(2) {
			i := rng.Intn(len(s) + 1)
			c := alphabet[rng.Intn(len(alphabet))]
			switch {
			case i == len(s) || rng.Intn(3) == 0:
				s = append(s[:i], append([]rune{c}, s[i:]...)...)
			case rng.Intn(2) == 0:
				s = append(s[:i], s[i+1:]...)
			default:
				s[i] = c
			}
		}
		texts = append(texts, string(s))
	}
	return texts
}

// oddities are texts worth asking about that no random damage finds.
var oddities = map[shardmap.Type][]string{
	shardmap.Int2: {"", " ", "+", "-", "32768", "-32769", "1.0", "1e2", "0x10", "1_000", "99999999999999999999999", "--1", "+ 1", "1 2", "１"},
	shardmap.Int4: {"2147483648", "-2147483649", "0b1", "9223372036854775808"},
	shardmap.Int8: {"9223372036854775808", "-9223372036854775809", "0o17", "1_0"},
	shardmap.UUID: {"", "{}", " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-", "a0e-ebc999c0b4ef8bb6d6bb9bd380a11",
		"a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a1", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "{", "urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	shardmap.Date: {"", "now", "today", "2020-02-30", "2021-02-29", "0000-01-01", "0000-01-01 BC", "2020-13-01", "2020-00-10", "2020-01-00", "2020-01-32", "5874898-01-01",
		"4714-11-23 BC", "9999999-01-01", "99-01-01", "999-01-01", "20200101", "2020/01/02", "1/2/2020", "2020-Jan-01", "2020-001", "J2451187", "2020-01-01 25:00:00",
		"2020-01-01 23:60:00", "2020-01-01 23:59:61", "2020-01-01 24:00:01", "2020-01-01 23:59:60.1", "2020-01-01 +05", "+infinity", "inf", "allballs", "2020-01-01BC"},
	shardmap.Timestamp: {"", "now", "yesterday", "2020-01-01 10", "2020-01-01 10:00.5", "2020-01-01 10:00:00.", "2020-01-01 10:00:00,5", "2020-01-01 10:00 PM", "2020-01-01 10:00 AM BC",
		"2020-01-01 10:00 UTC", "2020-01-01 10:00 America/New_York", "2020-01-01 10:00:00+16", "2020-01-01 10:00:00+05:60", "294277-01-01", "294277-01-09 04:00:54.775807",
		"294277-01-20", "5874897-01-01", "4714-11-23 23:59:59 BC", "2020-01-01t10:00", "20200101T101010", "2020-01-01 10:00:00.12345678901234567890123456789012345678901"},
	shardmap.Timestamptz: {"2020-01-01", "2020-01-01 00:00", "today", "epoch", "2020-01-01 10:00 UTC", "2020-01-01 10:00 PST", "2020-01-01 10:00:00+16:00", "2020-01-01 10:00:00+12345",
		"2020-01-01 10:00:00+123", "2020-01-01 10:00:00+123456", "294277-01-01 00:00:00+00", "294276-12-31 23:59:59.999999-00:00:01", "4714-11-24 00:00:00+01 BC",
		"4714-11-23 23:00:00-02 BC", "2020-01-01 10:00:00+00:00:60", "2020-01-01 10:00:00+", "2020-01-01 10:00:00Z+1"},
	shardmap.Bool:  {"", " ", "o", "2", "00", "truee", "tf", "ja", "10", "ＴＲＵＥ"},
	shardmap.Bytea: {`\`, `\x0`, `\x0g`, `\X00`, `\xa b`, `\400`, `\08`, `\1`, `\12`, `a\`, `\x0 0`},
	shardmap.Numeric: {"", " ", ".", "-", "e5", "1e", "1e+", "1.2.3", "1e5.5", "--1", "+-1", "0x10", "1_000", "1e131072", "1e-16384", "0." + strings.Repeat("0", 16384), "9" + strings.Repeat("9", 131071) + ".5",
		strings.Repeat("9", 131073), "1e99999999999", "-nan", "+nan", "infinit", "in", "- inf", "1 2", "1e 5", "NaN1", strconv.FormatFloat(math.MaxFloat64, 'f', -1, 64)},
}
