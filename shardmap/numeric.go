package shardmap

import (
	"strconv"
	"strings"
)

// decimal is a finite or special number as numeric holds it: 0.digits * 10^point,
// negative or not. digits has neither leading nor trailing zeros and is empty
// for zero.
type decimal struct {
	class  uint64
	digits string
	point  int
}

// The classes of numbers, in the order numeric sorts them.
const (
	negInfinite uint64 = iota
	negative
	zero
	positive
	posInfinite
	notANumber
)

// Limits of numeric (NUMERIC_DSCALE_MAX and NUMERIC_WEIGHT_MAX of numeric.c).
const (
	maxNumericScale = 0x3FFF
	maxNumericPoint = (32767 + 1) * 4
)

func parseDecimal(text string) (decimal, error) {
	s := trimBlanks(text)
	if d, ok := specialDecimal(s); ok {
		return d, nil
	}
	class := positive
	if s != "" && (s[0] == '+' || s[0] == '-') {
		if s[0] == '-' {
			class = negative
		}
		s = s[1:]
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		// The bounds are those of numeric_in: INT_MAX / 2, exclusive.
		if digits := s[i+1:]; strings.TrimLeft(digits, blanks) != digits {
			return decimal{}, ambiguous(Numeric, text, "only servers before PostgreSQL 16 allow blanks before an exponent")
		}
		if exponent, err = strconv.Atoi(s[i+1:]); err != nil || exponent > 1<<30-2 || exponent < 2-1<<30 {
			return decimal{}, numericSyntax(text)
		}
		mantissa = s[:i]
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if whole+frac == "" || !allDigits(whole) || !allDigits(frac) {
		return decimal{}, numericSyntax(text)
	}
	if max(0, len(frac)-exponent) > maxNumericScale {
		return decimal{}, refused(Numeric, ErrOutOfRange, stateOutOfRange, text, "it has more digits behind the point than numeric can hold")
	}
	d := normalDecimal(class, whole+frac, len(whole)+exponent)
	if d.point > maxNumericPoint {
		return decimal{}, refused(Numeric, ErrOutOfRange, stateOutOfRange, text, "it is greater than numeric can hold")
	}
	return d, nil
}

// normalDecimal strips zeros, which do not count for equality or for the hash.
func normalDecimal(class uint64, digits string, point int) decimal {
	n := len(digits)
	digits = strings.TrimLeft(digits, "0")
	point -= n - len(digits)
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return decimal{class: zero}
	}
	return decimal{class: class, digits: digits, point: point}
}

func specialDecimal(s string) (decimal, bool) {
	switch strings.ToLower(s) {
	case "nan":
		return decimal{class: notANumber}, true
	case "infinity", "+infinity", "inf", "+inf":
		return decimal{class: posInfinite}, true
	case "-infinity", "-inf":
		return decimal{class: negInfinite}, true
	default:
		return decimal{}, false
	}
}

func numericSyntax(text string) error {
	if looksLikeNewInteger(trimBlanks(text)) {
		return ambiguous(Numeric, text, "servers before PostgreSQL 16 do not read this notation; write plain decimal digits")
	}
	return invalid(Numeric, text, "it is not a number")
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// key packs the digits as numeric stores them: base 10000, two bytes each, least
// significant byte first, which is what the hash function sees.
func (d decimal) key() Key {
	k := Key{family: numerics, m: d.class}
	if d.digits == "" {
		return k
	}
	groups := floorDiv(d.point+3, 4)
	k.n = int64(groups - 1)
	padded := strings.Repeat("0", groups*4-d.point) + d.digits
	padded += strings.Repeat("0", (4-len(padded)%4)%4)
	packed := make([]byte, 0, len(padded)/2)
	for i := 0; i < len(padded); i += 4 {
		v := int(padded[i]-'0')*1000 + int(padded[i+1]-'0')*100 + int(padded[i+2]-'0')*10 + int(padded[i+3]-'0')
		packed = append(packed, byte(v), byte(v>>8))
	}
	k.s = string(packed)
	return k
}

func (k Key) decimal() decimal {
	if k.s == "" {
		return decimal{class: k.m}
	}
	b := make([]byte, 0, len(k.s)*2)
	for i := 0; i < len(k.s); i += 2 {
		v := int(k.s[i]) | int(k.s[i+1])<<8
		b = append(b, byte('0'+v/1000), byte('0'+v/100%10), byte('0'+v/10%10), byte('0'+v%10))
	}
	return normalDecimal(k.m, string(b), int(k.n+1)*4)
}

// hashNumeric is hash_numeric_extended of numeric.c. What is not finite has no
// digits to hash.
func (k Key) hashNumeric(seed uint64) uint64 {
	switch k.m {
	case negInfinite, posInfinite, notANumber:
		return seed
	case zero:
		return seed - 1
	default:
		return hashBytes(k.s, seed) ^ uint64(k.n)
	}
}

func (k Key) compareNumeric(o Key) int {
	if c := cmp(k.m, o.m); c != 0 {
		return c
	}
	if k.m == negative {
		k, o = o, k
	}
	if c := cmp(k.n, o.n); c != 0 {
		return c
	}
	for i := 0; i < len(k.s) && i < len(o.s); i += 2 {
		a, b := uint64(k.s[i])|uint64(k.s[i+1])<<8, uint64(o.s[i])|uint64(o.s[i+1])<<8
		if c := cmp(a, b); c != 0 {
			return c
		}
	}
	return cmp(int64(len(k.s)), int64(len(o.s)))
}

// round rounds to scale digits behind the point, half away from zero.
func (d decimal) round(scale int) decimal {
	keep := d.point + scale
	switch {
	case d.digits == "" || keep >= len(d.digits):
		return d
	case keep < 0:
		return decimal{class: zero}
	}
	b := []byte("0" + d.digits[:keep])
	if d.digits[keep] >= '5' {
		i := len(b) - 1
		for b[i] == '9' {
			b[i] = '0'
			i--
		}
		b[i]++
	}
	return normalDecimal(d.class, string(b), d.point+1)
}

// String is for messages: very long runs of zeros are written as an exponent.
func (d decimal) String() string {
	switch d.class {
	case negInfinite:
		return "-Infinity"
	case posInfinite:
		return "Infinity"
	case notANumber:
		return "NaN"
	case zero:
		return "0"
	}
	sign := ""
	if d.class == negative {
		sign = "-"
	}
	switch n := len(d.digits); {
	case d.point > n+maxShown || d.point < -maxShown:
		return sign + "0." + d.digits + "e" + strconv.Itoa(d.point)
	case d.point >= n:
		return sign + d.digits + strings.Repeat("0", d.point-n)
	case d.point > 0:
		return sign + d.digits[:d.point] + "." + d.digits[d.point:]
	default:
		return sign + "0." + strings.Repeat("0", -d.point) + d.digits
	}
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
