/*
 * The rules that commit.pml obeys, each under a name; with -DMUTANT_..., the mistake
 * instead. The README tells what each mistake is.
 */

/* ---- Participants ---- */
#ifndef MUTANT_VOTE_LOST_IN_FAILOVER
#define FORGETS_VOTES false             /* a vote survives every crash */
#else
#define FORGETS_VOTES true
#endif

/* ---- The register ---- */
#ifndef MUTANT_REGISTER_WRITTEN_TWICE
#define WRITABLE (reg == none)
#else
#define WRITABLE true
#endif

mtype copied = none;                    /* a copy of it, of any age: a restored backup */
#ifndef MUTANT_COPIED_LOG
#define COPIES false
#else
#define COPIES (copied != reg)
#endif

/* ---- The coordinator ---- */
#if defined(MUTANT_TAG_UNCHECKED)
#define IS_YES(answer) (answer == yes || answer == no)
#elif defined(MUTANT_LOST_VOTE_IS_YES)
#define IS_YES(answer) (answer == yes || answer == lost)
#else
#define IS_YES(answer) (answer == yes)  /* the tag PREPARE TRANSACTION, and nothing else */
#endif

#ifndef MUTANT_NO_IS_IGNORED
#define WISH_WITHOUT_A_VOTE abort
#else
#define WISH_WITHOUT_A_VOTE wish
#endif

/* Before the decision nothing is told, to nobody. */
#if defined(MUTANT_COMMITS_BEFORE_DECISION)
#define EARLY atomic { if :: wish == commit -> call(0, COMMIT, answer); answer = none :: else fi };
#elif defined(MUTANT_TELLS_BEFORE_DECISION)
#define EARLY atomic { if :: wish == commit -> told = ok; check() :: else fi };
#else
#define EARLY
#endif

#ifndef MUTANT_UNSURE_MEANS_ABORT
#define ASKS_AGAIN true
#else
#define ASKS_AGAIN false
#endif

#ifndef MUTANT_DOUBT_IS_TOLD_AS_ABORT
#define TOLD_IN_DOUBT indoubt
#else
#define TOLD_IN_DOUBT failed
#endif

#ifndef MUTANT_SLEEPS_UNNOTICED
#define NOTICES(slept) slept            /* by its own clock */
#else
#define NOTICES(slept) false
#endif

#ifndef MUTANT_OBEYS_ITS_OWN_WISH
#define WHEN_OVERRULED abort            /* somebody presumed it dead */
#else
#define WHEN_OVERRULED wish
#endif

#ifndef MUTANT_FORGETS_EARLY
#define FORGETFUL
#else
#define FORGETFUL atomic { if :: wish == commit -> reg = none :: else fi };
#endif

/* Which answers to COMMIT and ROLLBACK PREPARED say that the participant is through.
 * "No such transaction" does, of exactly this one, when the decision is known. */
#ifndef MUTANT_SILENCE_IS_CONSENT
#define THROUGH(answer) (answer == done || answer == notfound)
#else
#define THROUGH(answer) (answer == done || answer == notfound || answer == lost)
#endif

/* ---- Resolvers ---- */
#if defined(MUTANT_TIMER_ONLY)
#define ASK(outcome) outcome = abort
#elif defined(MUTANT_COPIED_LOG)
#define ASK(outcome) outcome = (copied == none -> abort : copied)
#elif defined(MUTANT_NO_RECORD_MEANS_ABORT)
#define ASK(outcome) outcome = (reg == none -> abort : reg)
#elif defined(MUTANT_RESOLVER_STORES_COMMIT)
#define ASK(outcome) decide(commit, outcome)
#elif defined(MUTANT_RESOLVER_OBEYS_ITS_OWN_WISH)
#define ASK(outcome) decide(abort, outcome); outcome = abort
#else
#define ASK(outcome) decide(abort, outcome)
#endif

#ifndef MUTANT_WRONG_NAME
#define MISNAMED false                  /* it asks for the very name that is listed */
#else
#define MISNAMED true
#endif

#ifndef MUTANT_LISTS_BEFORE_RECORDS
#define FIRST_LOOK outcome = (finished -> none : reg)
#define SECOND_LOOK listed = (state[i] == prepared)
#else
#define FIRST_LOOK listed = (state[i] == prepared)
#define SECOND_LOOK outcome = (finished -> none : reg)
#endif

#ifndef MUTANT_SWEEPS_ONCE
#define SWEEPS_AGAIN true
#else
#define SWEEPS_AGAIN false
#endif
