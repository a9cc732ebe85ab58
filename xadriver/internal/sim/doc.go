// Package sim explores the commit protocol exhaustively: the code of packages commit
// and resolve that ships, in every order of events up to a bound.
//
// # What is real, and what is simulated
//
// The coordinator ([commit.Coordinator.Commit]) and the resolver
// ([resolve.Resolver.Once], [resolve.Resolver.Only]) are the real ones, with their real
// goroutines. Everything that they reach through an interface is simulated: the shards,
// as far as transactions go (open, prepared, committed, rolled back), the register, the
// network between them, processes that die, and the ages that shards tell. There is no
// time: a timer can run out whenever it is set, and what is prepared looks young or old
// to a sweep as the world likes, so that nothing holds thanks to a clock. Not simulated
// are SQL, the connections below package branch, failovers that lose what was
// acknowledged, package mark's proof that there is one register, and the loop that says
// when to sweep; tests with real servers are there for these.
//
// # How
//
// A process runs in a bubble of testing/synctest. Each of its calls blocks until it is
// given an answer, and synctest.Wait tells when all of its goroutines wait: so a process
// is a deterministic automaton, whose state is what it has observed. Its transitions are
// learned by running it, from the beginning, through each history that it can meet, and
// each of these once: what a process does next depends on nothing else. Histories that
// differ only in the order in which goroutines that share nothing heard their answers
// are one state (see history), which one test checks by taking them apart.
//
// A state of the world is then: each shard's branch, the register's record, what the
// application was told, requests that are still under way, what is left of the bound,
// and for each process its state and the answers that are on their way to it. The
// explorer visits all of them, breadth first, and keeps them whole, not as hashes. The
// first run that it finds to a violation is therefore one of the shortest, and is
// printed as a schedule that [World.Replay] runs again from text.
//
// # Events and faults
//
// These happen in any order, without a bound: requests reach shards and the register,
// answers come back, backups begin to sweep, transactions look young or old, a request
// whose sender has died or given up arrives at any later time, as often as it likes, or
// never. These are bounded, by the [Budget] of a [World]: crashes of the coordinator
// and of backups at every step, restarts of shards (what is not prepared is lost, and
// so are the answers under way), requests lost or late and answers lost, a register
// that has not stored, has stored and not answered, stores later, or loses the mark
// that a record is finished, votes of no, a caller who gives up, and the coordinator's
// own timeouts. The bounds of each world stand in sim_test.go, as do those that are
// explored with XAPG_SIM=deep, which take minutes and gigabytes.
//
// Two reductions make larger worlds possible. With Swift, an answer is there as soon as
// the request takes effect: whatever could happen in between could also happen before
// or after, since nobody but the asker can see the answer. With Ripe nothing looks
// young: a sweep that finds something young changes nothing. Tests compare what a small
// world reaches with each reduction and without it, and it is the same.
//
// # What is checked
//
// In every state: R1, if a participant votes no the transaction aborts; R2, it commits
// only if all of them vote yes; R4, no two of them decide differently, and neither does
// the register, ever; the application was told the truth, for ever after; a record is
// finished only when all of its participants have carried it out; nobody touches a
// foreign transaction; each connection is given back once. From every state: R3, if
// faults cease, all decide. For that, everybody dies, requests under way vanish, and one
// new backup sweeps: after three sweeps nothing may be prepared, no lock be left, and no
// record be unfinished; and the same after the log has forgotten a finished record. In
// states in which all processes rest, the living go on instead with what they remember.
// The log is taken not to forget a record while somebody may still act on older
// knowledge; that this matters is shown by one of the mutants.
//
// # Readers
//
// A [CutWorld] has readers as well: processes that run the real [cut.Keeper] to see all
// shards as they were at one moment. Beside the transaction there is another writer, of
// one shard, that begins when it has seen the transaction on some shard. Each shard has a
// gate, which is a lock as PostgreSQL has them: a queue in which nobody overtakes whom he
// conflicts with; the transaction's lock lasts from its PREPARE until it is over, through
// restarts; a reader's ends with its session. A session that nobody is at the other end of
// any more stays, in the queue or with its lock, until the shard misses it, whenever that
// is. What becomes visible and what it locks are one event; so are a COMMIT of the other
// writer and the passing of its gate.
//
// Beyond the faults above, readers die, shards open the gates of readers that live (their
// session was idle for too long), and readers lose patience at any gate, at any time. The
// bound of these is the [CutBudget]. Checked is, in every state, of each cut that was had:
// it shows the transaction on all shards on which that wrote, or on none; it shows it if
// the application was told "committed" before the cut was wanted; it never shows what the
// other writer did without the transaction that he had seen. From every state a fair run is
// followed: all cuts must be had, or have failed because something went wrong, all writers
// end, and no gate stay closed; without faults nobody may need a backup's help for that,
// and in worlds that are called patient no reader needs to lose patience: there is no circle.
//
// What a reader's process remembers from one attempt to close all gates to the next makes no
// difference to what it does; so it is forgotten, and TestWhatAReaderForgetsIsNoState
// compares with explorations in which it is not.
//
// # What was found
//
// Between readers and writers, this: two readers that close gates in different orders, and
// two writers that wait at these gates, wait for each other in a circle, although readers
// do not exclude each other, because nobody overtakes whom he conflicts with. Readers
// therefore take turns.
//
// In the protocol, nothing that breaks R1 to R4. In the resolver's bookkeeping, this:
// when two sweeps found an undecided transaction on two shards at once, the one that
// came second to the register took its own shard for the record's only participant, and
// marked the record as finished while the first shard's part was still prepared. (It
// was rolled back in any case, but the record could have been forgotten first.) It needs
// the sweeps to interleave between their lookups and their decisions, and a shard that
// fails after that.
//
// Some forty mutants, mistakes that others have shipped among them, show that the checks
// bite: each is caught, and its test prints by which run.
//
// # Where this comes from
//
// P. Godefroid, "Model Checking for Programming Languages using VeriSoft" (POPL 1997),
// explores real processes by driving their schedule; FoundationDB made deterministic
// simulation of a whole database a craft; the explicit-state search, breadth first and
// with whole states, is that of TLC (Y. Yu, P. Manolios and L. Lamport, "Model Checking
// TLA+ Specifications", 1999). R1 to R4 are the usual rules of atomic commitment, as in
// J. Gray and L. Lamport, "Consensus on Transaction Commit" (2006).
package sim
