package plan_test
import ("testing";"fmt";"strings";"time";"github.com/xapg/xapg/xadriver/internal/plan")
func many(n int, head, tail string, row func(i int) string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 1; i <= n; i++ { if i > 1 { b.WriteString(", ") }; b.WriteString(row(i)) }
	b.WriteString(tail)
	return b.String()
}
func TestZZ(t *testing.T) {
	for _, n := range []int{16000} {
	one := func(i int) string { return fmt.Sprintf("$%d", i) }
	for name, sql := range map[string]string{
		"in": many(n, "SELECT * FROM hashed WHERE id IN (", ")", one),
		"count": many(n, "SELECT count(*) FROM hashed WHERE id IN (", ")", one),
		"order": many(n, "SELECT * FROM hashed WHERE id IN (", ") ORDER BY v", one),
		"gather": many(n, "SELECT * FROM hashed WHERE v IN (SELECT note FROM accounts WHERE balance IN (", "))", one),
		"insert": many(n/2, "INSERT INTO hashed (id, v) VALUES ", "", func(i int) string { return fmt.Sprintf("($%d, $%d)", 2*i-1, 2*i) }),
		"computed": many(n, "INSERT INTO computed (n) VALUES ", "", func(i int) string { return fmt.Sprintf("($%d)", i) }),
		"update": many(n, "UPDATE hashed SET v = 'x' WHERE v IN (SELECT note FROM accounts WHERE balance IN (", "))", one),
	} {
		p, cat := world(t)
		begin := time.Now()
		made, err := p.Plan(sql, cat, nil)
		if err != nil { t.Fatal(err) }
		planned := time.Since(begin)
		st := made.Statements[0]
		args := arguments(make([]any, n)...)
		for i := range args { args[i].Value = int64(i) }
		begin = time.Now()
		target, err := st.Target(args, plan.Hint{})
		placed := time.Since(begin)
		begin = time.Now()
		if target.Mode == plan.Composed {
			if st.Writes { _, err = st.Write(&describer{cat: cat}) } else { _, err = st.Program(&describer{cat: cat}, 0) }
		}
		fmt.Println(n, name, "plan", planned, "target", placed, "compose", time.Since(begin), err)
	}}
}
