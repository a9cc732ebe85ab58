package tpc

import (
	"fmt"
	"strings"
)

var regions = []string{"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"}

// nations are in the order of their keys, each with its region's key.
var nations = []struct {
	name   string
	region int
}{
	{"ALGERIA", 0}, {"ARGENTINA", 1}, {"BRAZIL", 1}, {"CANADA", 1}, {"EGYPT", 4},
	{"ETHIOPIA", 0}, {"FRANCE", 3}, {"GERMANY", 3}, {"INDIA", 2}, {"INDONESIA", 2},
	{"IRAN", 4}, {"IRAQ", 4}, {"JAPAN", 2}, {"JORDAN", 4}, {"KENYA", 0},
	{"MOROCCO", 0}, {"MOZAMBIQUE", 0}, {"PERU", 1}, {"CHINA", 2}, {"ROMANIA", 3},
	{"SAUDI ARABIA", 4}, {"VIETNAM", 2}, {"RUSSIA", 3}, {"UNITED KINGDOM", 3}, {"UNITED STATES", 1},
}

var (
	typeSizes    = strings.Fields("STANDARD SMALL MEDIUM LARGE ECONOMY PROMO")
	typeFinishes = strings.Fields("ANODIZED BURNISHED PLATED POLISHED BRUSHED")
	typeMetals   = strings.Fields("TIN NICKEL BRASS STEEL COPPER")

	containerSizes = strings.Fields("SM MED LG JUMBO WRAP")
	containerKinds = strings.Fields("CASE BOX BAG JAR PKG PACK CAN DRUM")

	segments   = strings.Fields("AUTOMOBILE BUILDING FURNITURE MACHINERY HOUSEHOLD")
	priorities = []string{"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"}
	shipModes  = []string{"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"}
	shipHow    = []string{"DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"}

	colours = strings.Fields(`almond azure beige black blue brown chocolate coral cream cyan drab forest
		frosted ghost green grey indigo ivory khaki lavender lemon lime linen magenta maroon mint navy olive
		orange orchid peach pink plum powder puff purple red rose royal salmon sandy sienna sky slate smoke
		snow spring steel tan thistle tomato turquoise violet wheat white yellow`)
)

var (
	howWords  = strings.Fields("quietly slowly Boldly furiously carefully daringly never blithely even finally")
	whatWords = strings.Fields("bold silent pending regular express unusual final ironic busy naïve")
	whoWords  = strings.Fields("packages deposits accounts ideas theodolites dependencies foxes requests pinto-beans platelets")
	doWords   = strings.Fields("sleep nag wake haggle cajole doze integrate boost detect snooze")
)

// comment makes some sentences, at most so many characters.
func (r random) comment(limit int) string {
	var b strings.Builder
	for b.Len() < limit-10 {
		fmt.Fprintf(&b, "%s %s %s %s. ", r.of(howWords), r.of(whatWords), r.of(whoWords), r.of(doWords))
	}
	return cut(b.String(), r.between(limit/2, limit))
}

// commentWith has two words in it, with others between them.
func (r random) commentWith(limit int, first, second string) string {
	return cut(r.of(howWords)+" "+first+" "+r.of(whatWords)+" "+second+" "+r.comment(limit), limit)
}

// cut shortens a text to so many characters, without blanks at its end.
func cut(s string, limit int) string {
	if chars := []rune(s); len(chars) > limit {
		s = string(chars[:limit])
	}
	return strings.TrimRight(s, " ")
}

const addressChars = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,0123456789"

func (r random) address() string { return strings.TrimSpace("x" + r.from(addressChars, 9, 38)) }

// phone begins with the country's code, which is the nation's key and ten.
func (r random) phone(nation int) string {
	return fmt.Sprintf("%d-%d-%d-%d", nation+10, r.between(100, 999), r.between(100, 999), r.between(1000, 9999))
}
