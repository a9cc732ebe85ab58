package branch

// journal is what was said to a transaction besides its statements, in order:
// settings and savepoints. A branch that opens late hears it all.
type journal struct {
	entries []entry
}

type entry struct {
	sql       string
	savepoint string   // of SAVEPOINT
	setting   *Setting // of SET and RESET
}

// Setting is a SET or RESET, as it was written.
type Setting struct {
	SQL    string
	Name   string   // lower case; "" for RESET ALL and the like
	Values []string // empty for RESET and SET … TO DEFAULT
	Local  bool     // ends with the transaction
}

func (j *journal) add(e entry) { j.entries = append(j.entries, e) }

// savepoint finds the innermost savepoint of that name.
func (j *journal) savepoint(name string) int {
	for i := len(j.entries) - 1; i >= 0; i-- {
		if j.entries[i].savepoint == name {
			return i
		}
	}
	return -1
}

// rollbackTo forgets what came after a savepoint, which itself stays.
func (j *journal) rollbackTo(at int) { j.entries = j.entries[:at+1] }

// release forgets a savepoint and those inside it, but keeps the settings.
func (j *journal) release(at int) {
	kept := j.entries[:at]
	for _, e := range j.entries[at:] {
		if e.savepoint == "" {
			kept = append(kept, e)
		}
	}
	j.entries = kept
}

func (j *journal) lastingSettings() bool {
	for _, e := range j.entries {
		if e.setting != nil && !e.setting.Local {
			return true
		}
	}
	return false
}
