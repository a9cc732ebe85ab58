package tpc

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Variants are the queries of TPC-H with parameters drawn by a seed, as the
// specification has them vary. Some find nothing.
func Variants(seed uint64) []Query {
	r := newRandom(seed, 200)
	list := Queries()
	for i, q := range list {
		var pairs []string
		for _, old := range slices.Sorted(maps.Keys(parameters[q.Name])) {
			choices := parameters[q.Name][old]
			pairs = append(pairs, old, r.of(choices))
		}
		list[i] = Query{fmt.Sprintf("%s variant %d", q.Name, seed), strings.NewReplacer(pairs...).Replace(q.SQL)}
	}
	return list
}

// parameters are what takes the place of what in each query.
var parameters = map[string]map[string][]string{
	"q01": {"'90'": {"'60'", "'75'", "'120'", "'2000'"}},
	"q02": {"16": {"1 + p_partkey % 5", "25", "8"}, "%TIN": quoted("%", typeMetals, ""), "AMERICA": regions},
	"q03": {"BUILDING": segments, "1995-03-15": {"1995-03-01", "1995-03-20", "1994-12-31"}},
	"q04": {"1993-07-01": {"1993-01-01", "1995-10-01", "1997-10-01", "1999-01-01"}},
	"q05": {"ASIA": regions, "1994-01-01": years},
	"q06": {"1994-01-01": years, "0.06": {"0.02", "0.05", "0.09"}, "24": {"25", "2"}},
	"q07": {"ETHIOPIA": {"KENYA", "INDIA"}, "GERMANY": {"PERU", "ROMANIA"}},
	"q08": {"VIETNAM": {"FRANCE", "ALGERIA", "CHINA"}, "AFRICA": regions, "PROMO PLATED BRASS": {"SMALL POLISHED NICKEL", "ECONOMY PLATED TIN"}},
	"q09": {"green": colours},
	"q10": {"1993-10-01": {"1993-02-01", "1994-03-01", "1995-01-01"}},
	"q11": {"GERMANY": nationNames(), "0.01": {"0.0001", "0.02"}},
	"q12": {"'MAIL'": quoted("'", shipModes, "'"), "'SHIP'": quoted("'", shipModes, "'"), "1994-01-01": years},
	"q13": {"special": {"express", "unusual"}, "requests": {"packages", "accounts", "deposits"}},
	"q14": {"1995-09-01": {"1993-01-01", "1996-05-01", "1997-10-01", "1999-01-01"}},
	"q15": {"1996-01-01": {"1993-01-01", "1995-07-01", "1997-10-01", "1999-01-01"}},
	"q16": {"Brand#45": brands, "MEDIUM POLISHED": {"LARGE PLATED", "PROMO BRUSHED"}, "49, 14": {"1, 2", "17, 31"}},
	"q17": {"Brand#32": brands, "= 'WRAP PKG'": {"= 'WRAP BOX'", "<> 'LG BOX'"}},
	"q18": {"240": {"200", "230", "260", "500"}},
	"q19": {"Brand#32": brands, "Brand#54": brands, "Brand#44": brands, "20": {"1", "10"}},
	"q20": {"olive": colours, "1994-01-01": years, "PERU": {"FRANCE", "JAPAN", "KENYA"}},
	"q21": {"SAUDI ARABIA": nationNames()},
	"q22": {"'21', '33'": {"'13', '31'", "'10', '11'", "'29', '30'"}},
}

var (
	years  = []string{"1993-01-01", "1995-01-01", "1996-01-01", "1997-01-01"}
	brands = []string{"Brand#11", "Brand#13", "Brand#32", "Brand#44", "Brand#55"}
)

func quoted(before string, list []string, after string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = before + s + after
	}
	return out
}

func nationNames() (list []string) {
	for _, n := range nations {
		list = append(list, n.name)
	}
	return list
}
