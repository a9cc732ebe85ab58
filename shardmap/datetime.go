package shardmap

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	usPerSecond = 1_000_000
	usPerDay    = 86400 * usPerSecond
	// epoch2000 is PostgreSQL's epoch, 2000-01-01, in Unix seconds.
	epoch2000 = 946_684_800

	infinity     = math.MaxInt64
	dateInfinity = math.MaxInt32
)

// Ranges of PostgreSQL's datatype/timestamp.h, the lower bound included.
const (
	minDate      = -2_451_545 // 4714-11-24 BC
	endDate      = 2_147_483_494 - 2_451_545
	minTimestamp = -211_813_488_000_000_000
	endTimestamp = 9_223_371_331_200_000_000
)

// clock is a date and time as a literal has it.
type clock struct {
	year, month, day  int64 // year 0 is 1 BC
	hour, minute, sec int64
	us                int64
	hasZone           bool
	offset            int64 // seconds east of UTC
}

// parseTime reads the ISO 8601 forms of a date or timestamp, which mean the same
// under every DateStyle: 2006-01-02 or 2006-01-02 15:04:05.999999+01:00, with T or
// blanks in between and BC behind. The words infinity, -infinity and epoch are
// read too. PostgreSQL reads much more; all of that is ErrAmbiguous here.
func (t Type) parseTime(text string) (Key, error) {
	s := trimBlanks(text)
	switch strings.ToLower(s) {
	case "infinity":
		return t.infinite(1), nil
	case "-infinity":
		return t.infinite(-1), nil
	case "epoch":
		c := clock{year: 1970, month: 1, day: 1, hasZone: true}
		return t.timeKey(c, text)
	}
	c, state := parseClock(s)
	switch {
	case state == clockUnclear:
		return Key{}, ambiguous(t, text, t.formHint())
	case state == clockBadZone:
		return Key{}, refused(t, ErrInvalid, stateTimeZone, text, "its offset from UTC is out of range")
	case state == clockOverflow || !c.valid():
		return Key{}, t.fieldOverflow(text)
	case t == Timestamptz && !c.hasZone:
		return Key{}, ambiguous(t, text, "its time depends on the session's TimeZone; add an offset such as +00")
	}
	return t.timeKey(c, text)
}

func (t Type) formHint() string {
	switch t {
	case Date:
		return "its meaning may depend on the session's settings; write it as 2006-01-02"
	case Timestamp:
		return "its meaning may depend on the session's settings; write it as 2006-01-02 15:04:05"
	default:
		return "its meaning may depend on the session's settings; write it as 2006-01-02 15:04:05+00"
	}
}

func (t Type) fieldOverflow(text string) error {
	return refused(t, ErrInvalid, stateDatetimeField, text, "it is not a date or time that the type can hold")
}

func (t Type) infinite(sign int64) Key {
	if t == Date {
		if sign < 0 {
			return Key{family: dates, n: -dateInfinity - 1}
		}
		return Key{family: dates, n: dateInfinity}
	}
	if sign < 0 {
		return Key{family: t.family(), n: -infinity - 1}
	}
	return Key{family: t.family(), n: infinity}
}

// timeKey drops what the type does not keep: the time of a date, the zone of both
// a date and a timestamp.
func (t Type) timeKey(c clock, text string) (Key, error) {
	days := daysSince2000(c.year, c.month, c.day)
	if t == Date {
		return t.dateKey(days, text)
	}
	// Days beyond these are out of range whatever the offset, and would overflow below.
	if days < minDate-1 || days > endTimestamp/usPerDay+1 {
		return Key{}, t.fieldOverflow(text)
	}
	us := days*usPerDay + ((c.hour*60+c.minute)*60+c.sec)*usPerSecond + c.us
	if t == Timestamptz {
		us -= c.offset * usPerSecond
	}
	return t.microsKey(us, text)
}

func (t Type) dateKey(days int64, text string) (Key, error) {
	if days < minDate || days >= endDate {
		return Key{}, t.fieldOverflow(text)
	}
	return Key{family: dates, n: days}, nil
}

func (t Type) microsKey(us int64, text string) (Key, error) {
	if us < minTimestamp || us >= endTimestamp {
		return Key{}, t.fieldOverflow(text)
	}
	return Key{family: t.family(), n: us}, nil
}

// goTimeKey reads a time as pgx encodes it: the date and the wall clock of the
// time's own location, or for timestamptz the instant; fractions of a microsecond
// are cut off.
func (t Type) goTimeKey(v time.Time) (Key, error) {
	// The bounds of a date are the widest. They keep the arithmetic from overflowing.
	if y := v.Year(); y < -5000 || y > 6_000_000 {
		return Key{}, t.fieldOverflow(v.Format(time.RFC3339))
	}
	if t == Date {
		return t.dateKey(daysSince2000(int64(v.Year()), int64(v.Month()), int64(v.Day())), v.Format(time.RFC3339))
	}
	sec := v.Unix()
	if t == Timestamp {
		_, offset := v.Zone()
		sec += int64(offset)
	}
	if sec > infinity/usPerSecond-epoch2000-1 {
		return Key{}, t.fieldOverflow(v.Format(time.RFC3339))
	}
	return t.microsKey((sec-epoch2000)*usPerSecond+int64(v.Nanosecond())/1000, v.Format(time.RFC3339))
}

type clockState uint8

const (
	clockRead     clockState = iota
	clockUnclear             // not one of the forms read here
	clockOverflow            // one of them, with a number that no server accepts
	clockBadZone             // the same of the offset
)

func parseClock(s string) (clock, clockState) {
	var c clock
	bc := false
	if i := strings.LastIndexAny(s, blanks); i > 0 {
		switch strings.ToLower(s[i+1:]) {
		case "bc":
			s, bc = trimBlanks(s[:i]), true
		case "ad":
			s = trimBlanks(s[:i])
		}
	}
	var ok bool
	if c.year, s, ok = number(s, 4, 7); !ok || !strings.HasPrefix(s, "-") {
		return c, clockUnclear
	}
	if c.month, s, ok = number(s[1:], 1, 2); !ok || !strings.HasPrefix(s, "-") {
		return c, clockUnclear
	}
	if c.day, s, ok = number(s[1:], 1, 2); !ok {
		return c, clockUnclear
	}
	if c.year == 0 {
		return c, clockOverflow
	}
	if bc {
		c.year = 1 - c.year
	}
	if s == "" {
		return c, clockRead
	}
	if s[0] != 'T' && !strings.ContainsRune(blanks, rune(s[0])) {
		return c, clockUnclear
	}
	if s[0] == 'T' {
		s = s[1:]
	} else {
		s = strings.TrimLeft(s, blanks)
	}
	return c.parseTimeOfDay(s)
}

func (c clock) parseTimeOfDay(s string) (clock, clockState) {
	var ok bool
	if c.hour, s, ok = number(s, 1, 2); !ok || !strings.HasPrefix(s, ":") {
		return c, clockUnclear
	}
	if c.minute, s, ok = number(s[1:], 1, 2); !ok {
		return c, clockUnclear
	}
	if strings.HasPrefix(s, ":") {
		if c.sec, s, ok = number(s[1:], 1, 2); !ok {
			return c, clockUnclear
		}
		if strings.HasPrefix(s, ".") {
			n := 1
			for n < len(s) && s[n] >= '0' && s[n] <= '9' {
				n++
			}
			// The server's fields are bounded, and none writes so many digits.
			if n == 1 || n > 31 {
				return c, clockUnclear
			}
			// PostgreSQL rounds a double, half to even; decimal rounding would differ.
			f, err := strconv.ParseFloat("0"+s[:n], 64)
			if err != nil {
				return c, clockUnclear
			}
			c.us, s = int64(math.RoundToEven(f*usPerSecond)), s[n:]
		}
	}
	return c.parseOffset(s)
}

func (c clock) parseOffset(s string) (clock, clockState) {
	s = strings.TrimLeft(s, blanks)
	switch {
	case s == "":
		return c, clockRead
	case s == "Z" || s == "z":
		c.hasZone = true
		return c, clockRead
	case s[0] != '+' && s[0] != '-':
		return c, clockUnclear
	}
	sign := int64(1)
	if s[0] == '-' {
		sign = -1
	}
	h, rest, ok := number(s[1:], 1, 4)
	digits := len(s) - 1 - len(rest)
	if !ok || digits == 3 {
		return c, clockUnclear
	}
	s = rest
	var m, sec int64
	switch {
	case digits == 4:
		h, m = h/100, h%100
	case strings.HasPrefix(s, ":"):
		if m, s, ok = number(s[1:], 1, 2); !ok {
			return c, clockUnclear
		}
		if strings.HasPrefix(s, ":") {
			if sec, s, ok = number(s[1:], 1, 2); !ok {
				return c, clockUnclear
			}
		}
	}
	if s != "" {
		return c, clockUnclear
	}
	// MAX_TZDISP_HOUR is 15.
	if h > 15 || m > 59 || sec > 59 {
		return c, clockBadZone
	}
	c.hasZone = true
	c.offset = sign * ((h*60+m)*60 + sec)
	return c, clockRead
}

// number reads a run of digits that is neither shorter than least nor longer than most.
func number(s string, least, most int) (v int64, rest string, ok bool) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n < least || n > most {
		return 0, "", false
	}
	v, err := strconv.ParseInt(s[:n], 10, 64)
	return v, s[n:], err == nil
}

// valid checks the fields as PostgreSQL does, which lets 24:00:00 and second 60
// stand for the first instant of what follows.
func (c clock) valid() bool {
	if c.month < 1 || c.month > 12 || c.day < 1 || c.day > daysInMonth(c.year, c.month) {
		return false
	}
	if c.hour > 24 || c.minute > 59 || c.sec > 60 {
		return false
	}
	return ((c.hour*60+c.minute)*60+c.sec)*usPerSecond+c.us <= usPerDay
}

func daysInMonth(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// daysSince2000 counts in the Gregorian calendar, extended to all years. The year
// is counted from March, so that the leap day is its last.
func daysSince2000(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 730425
}
