package shard

import "sync/atomic"

// Tenure is what the connections of one session have in common, for as long as the
// session keeps what is in it.
type Tenure struct{ pinned atomic.Bool }

// Pin says that there is more in the session than can be replayed elsewhere: its
// connections are closed when they are released, whoever is the session then.
func (t *Tenure) Pin() { t.pinned.Store(true) }

// Pinned reports whether there is. A nil Tenure has nothing.
func (t *Tenure) Pinned() bool { return t != nil && t.pinned.Load() }
