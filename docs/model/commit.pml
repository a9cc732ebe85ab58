/*
 * The commit protocol of xapg: one transaction, for spin (https://spinroot.com).
 *
 * N participants (shards) with an open transaction that wrote, a coordinator,
 * RESOLVERS backups, and a register that is written once. README.md says how to
 * read it, how to run it, and what it leaves out.
 *
 * The coordinator may die, once, before and after any step. FAULTS bounds, over a
 * whole run, all else together: a message that is lost, that arrives late, or
 * whose answer is lost; a write of the register that is refused, whose answer is
 * lost, or that happens late; the crash of a participant or of a resolver.
 *
 * Nothing is timed. Whoever is between two steps may be overtaken by anybody any
 * number of times: a coordinator that wakes up after it was presumed dead is among
 * the runs, and so is a resolver that takes a live one for dead.
 *
 * Each -DMUTANT_... (mutants.pml) takes one rule out: spin finds an error in each.
 */
#ifndef N
#define N 2
#endif
#ifndef RESOLVERS
#define RESOLVERS 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif

mtype = { open, prepared, committed, aborted };     /* a participant */
mtype = { none, commit, abort };                    /* the register; a wish */
mtype = { yes, no, done, notfound, refused, lost }; /* answers */
mtype = { nothing, ok, failed, indoubt };           /* what the application was told */

#define PREPARE  1                                  /* messages */
#define COMMIT   2
#define ROLLBACK 4

mtype state[N] = open;
byte  late[N];               /* messages that are still on their way */
mtype reg = none;            /* the register */
mtype lateWrite = none;      /* a write of it whose answer was lost, and that may yet happen */
bool  finished;              /* its record is marked: everybody has heard the decision */
mtype told = nothing;
bool  dead;                  /* the coordinator has died */
bool  hungup;                /* its connections are gone */
bool  past;                  /* it will not ask the register again */
bool  slept;                 /* it stood still until a record was old enough to be dropped */
byte  faults;

hidden mtype next, unread;   /* of use within one step only */
hidden byte  arrived;

/* What has ever happened. The rules are about it; nothing is decided by it. */
byte  nYes, nNo, nOpen = N, nPrepared, nCommitted, nAborted;
bool  everCommit;            /* "commit" was stored, even if it is forgotten by now */

inline check() {             /* after every change of what the rules are about */
	assert(!(nNo > 0 && everCommit));                       /* R1: one "no" aborts */
	assert(!(nCommitted > 0 && nYes < N));                  /* R2: "commit" needs all votes */
	assert(!(nCommitted > 0 && nAborted > 0));              /* R4: nobody ends otherwise */
	assert(!(told == ok && (!everCommit || nAborted > 0))); /* the truth */
	assert(!(told == failed && (everCommit || nCommitted > 0)))
}

/* R3: at last everybody who lives has decided, and nothing is locked. */
ltl r3 { <>[](nOpen == 0 && nPrepared == 0 && (dead || told != nothing)) }

#define FAULT faults < FAULTS -> faults++

#include "mutants.pml"

/* ---- Participants ---------------------------------------------------------- */

inline become(i, to) {
	nOpen = nOpen - (state[i] == open) + (to == open);
	nPrepared = nPrepared - (state[i] == prepared) + (to == prepared);
	nCommitted = nCommitted - (state[i] == committed) + (to == committed);
	nAborted = nAborted - (state[i] == aborted) + (to == aborted);
	state[i] = to;
	check()
}

/* A message arrives. PREPARE TRANSACTION in a failed transaction rolls it back:
 * its answer is no error, only the tag is another. */
inline receive(i, message, answer) {
	next = state[i];
	if
	:: message == PREPARE && state[i] == open  -> next = prepared; nYes++; answer = yes
	:: message == PREPARE && state[i] == open  -> next = aborted; nNo++; answer = no
	:: message == PREPARE && state[i] != open  -> answer = no
	:: message == COMMIT && state[i] == prepared   -> next = committed; answer = done
	:: message == ROLLBACK && state[i] == prepared -> next = aborted; answer = done
	:: message != PREPARE && state[i] != prepared  -> answer = notfound /* 42704 */
	fi;
	become(i, next)
}

/* A message and its answer. That it takes one step leaves no run out: who sends
 * it may be overtaken before and after. */
inline call(i, message, answer) {
	if
	:: FAULT; late[i] = late[i] | message; answer = lost
	:: receive(i, message, answer);
		if
		:: true
		:: FAULT; answer = lost
		fi
	fi
}

/* What befalls a participant by itself. */
active [N] proctype Participant() {
	do
	:: atomic { late[_pid] != 0 ->
		if
		:: late[_pid] & PREPARE  -> arrived = PREPARE
		:: late[_pid] & COMMIT   -> arrived = COMMIT
		:: late[_pid] & ROLLBACK -> arrived = ROLLBACK
		fi;
		late[_pid] = late[_pid] - arrived;
		if
		:: true                  /* it never arrives */
		:: receive(_pid, arrived, unread)
		fi }
	:: atomic { state[_pid] == open && hungup -> become(_pid, aborted) } /* no vote: abort */
	:: atomic { state[_pid] == open && FAULT; become(_pid, aborted) }    /* it crashes: no vote on its disk */
	:: atomic { FORGETS_VOTES && state[_pid] == prepared && FAULT; become(_pid, aborted) }
	od
}

/* ---- The register ---------------------------------------------------------- */

inline store(want) {         /* written once: who comes later is told what is there */
	if
	:: WRITABLE -> reg = want; finished = false; everCommit = everCommit || want == commit; check()
	:: !WRITABLE
	fi
}

inline decide(want, answer) {
	if
	:: FAULT; answer = refused                              /* provably not stored */
	:: lateWrite == none && FAULT; lateWrite = want; answer = lost
	:: store(want); answer = reg;
		if
		:: true
		:: FAULT; answer = lost
		fi
	fi
}

active proctype Store() {
	do
	:: unread = none         /* time goes on, even when nobody does anything */
	:: atomic { lateWrite != none -> store(lateWrite); lateWrite = none }
	:: atomic { lateWrite != none -> lateWrite = none }
	/* Retention is over. No write has been on its way for so long; and no shard has
	 * been out of reach for so long while the coordinator slept, too. */
	:: atomic { reg != none && finished && lateWrite == none && (past || nOpen + nPrepared == 0) ->
		reg = none; finished = false; slept = slept || !past }
	:: atomic { COPIES -> copied = reg }
	od
}

/* ---- The coordinator ------------------------------------------------------- */

#define MAYDIE if :: true :: dead = true; goto end fi

active proctype Coordinator() {
	mtype answer = none, wish = commit;
	byte i, heard;
	bool voted[N], unsure;

	atomic { MAYDIE }
	do                       /* the votes; all are asked, whatever the first ones say */
	:: atomic { i < N ->
		call(i, PREPARE, answer);
		if
		:: IS_YES(answer)  -> voted[i] = true
		:: !IS_YES(answer) -> wish = WISH_WITHOUT_A_VOTE
		fi;
		i++; answer = none;
		MAYDIE }
	:: atomic { i == N -> i = 0; break }
	od;
	EARLY
	atomic {
		if
		:: wish == commit -> decide(commit, answer)
		:: wish = abort      /* a vote is missing, or the caller gives up. Nobody else
		                      * ever stores "commit": no record is needed */
		fi;
		MAYDIE
	}
	if                       /* is it stored? Whichever comes first will be */
	:: atomic { answer == lost && ASKS_AGAIN -> unsure = true; decide(abort, answer); MAYDIE }
	:: else
	fi;
	atomic {                 /* what the register says is done, not what was wished */
		past = true;
		if
		:: (answer == lost || answer == refused) && unsure ->
			told = TOLD_IN_DOUBT; check();
			goto end         /* left to the resolvers */
		:: (answer == lost || answer == refused) && !unsure -> wish = abort
		:: (answer == commit || answer == abort) && NOTICES(slept) ->
			told = indoubt;  /* the register may have held another decision once */
			goto end
		:: answer == abort && !NOTICES(slept)  -> wish = WHEN_OVERRULED
		:: answer == commit && !NOTICES(slept) || answer == none
		fi;
		told = (wish == commit -> ok : failed); check();
		hungup = (wish == abort);
		unsure = false; answer = none;
		MAYDIE
	}
	FORGETFUL
	do                       /* all are told */
	:: atomic { i < N ->
		if
		:: wish == commit            -> call(i, COMMIT, answer)
		:: wish == abort && voted[i] -> call(i, ROLLBACK, answer)
		:: else
		fi;
		heard = heard + THROUGH(answer);
		i++; answer = none;
		MAYDIE }
	:: atomic { i == N ->
		finished = finished || (wish == commit && heard == N && reg == commit);
		break }
	od;
end:
	atomic {                 /* nothing of it is known any more */
		past = true; hungup = true;
		answer = none; wish = none; heard = 0; unsure = false;
		for (i : 0 .. N-1) { voted[i] = false }
		i = 0
	}
}

/* ---- Resolvers: backups, any number, anywhere ------------------------------ */

#if RESOLVERS > 0
active [RESOLVERS] proctype Resolver() {
	mtype outcome = none, answer = none;
	byte i, heard;           /* heard: bits, who is known to have committed */
	bool listed;

look:
	/* Records before lists: what is decided by now, and not listed after, is over. */
	FIRST_LOOK;
	SECOND_LOOK;
	if                       /* it is listed: the register is asked, so that nobody presumes */
	:: atomic { listed -> ASK(outcome); if :: true :: FAULT; goto crash fi }
	:: else
	fi;
	atomic {
		if
		:: listed && outcome == commit  -> call(i, COMMIT, answer)
		:: MISNAMED && listed && outcome == commit -> answer = notfound
		:: listed && outcome == abort   -> call(i, ROLLBACK, answer)
		:: !listed && outcome == commit -> answer = notfound
		:: else                         -> outcome = none    /* next time */
		fi;
		if
		:: THROUGH(answer) && outcome == commit -> heard = heard | (1 << i)
		:: THROUGH(answer) && outcome == abort  -> finished = finished || (reg == abort)
		:: else
		fi;
		if
		:: heard == (1 << N) - 1 -> finished = finished || (reg == commit); heard = 0
		:: else
		fi;
		outcome = none; answer = none; listed = false;
		i = (i + 1) % N;
		if
		:: SWEEPS_AGAIN || i > 0 -> goto look
		:: else -> goto end
		fi
	}
crash:
	atomic { outcome = none; answer = none; listed = false; heard = 0; i = 0; goto look }
end:
	skip
}
#endif
