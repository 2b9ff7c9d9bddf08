"""The words of the demo corpora and the phrases around them: lists by class, inflection, invented names, noun phrases.

Lists are in rough order of frequency. Many words are in several lists on purpose: "plan" is a noun and a verb,
"Lincoln" a person and a city, "closed" an adjective and a participle, so that only the context gives the tag.
"""

from collections.abc import Callable, Sequence


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Lemmas and names by class. A class may have one list per topic, written class.topic. Irregular nouns read
# singular/plural, irregular verbs base/past/participle/gerund. Each # is a digit from 1 to 9.
WORDS: dict[str, tuple[str, ...]] = {
    # nouns
    "role.politics": _words("""minister leader guard official spokesman/spokesmen head judge senator adviser lawyer
        envoy deputy representative rebel official voter general candidate observer critic"""),
    "role.business": _words("""trader bank head analyst dealer executive broker investor maker buyer chairman/chairmen
        banker producer director manager retailer shareholder supplier economist"""),
    "role.sport": _words("""coach captain guard back player head keeper forward striker champion rider runner
        defender referee substitute batsman/batsmen veteran rookie winner"""),
    "role.life": _words("""guard man/men witness doctor driver woman/women patient resident farmer
        teacher student tourist sailor neighbour child/children worker visitor nurse"""),
    "thing.politics": _words("""plan talk vote visit demand report claim rule bill present support call treaty offer
        reform proposal answer protest march law summit resolution order ceasefire accord speech inquiry"""),
    "thing.business": _words("""share offer cut price order bid plan plant market cost rise record deal stock report
        profit return project stake contract loan merger bond forecast takeover dividend shipment"""),
    "thing.sport": _words("""win lead record draw run match cup return start title test fight race goal score drop
        contract penalty injury season final championship transfer medal"""),
    "thing.life": _words("""fire attack search report ship march house train strike charge fight present watch storm
        trial drug flood accident crash wedding festival bridge road disease prison film"""),
    "mass": _words("""trade inflation output support demand growth work help aid peace trouble pressure progress
        power interest"""),
    "route": _words("hill road street track river wall stairs bridge field line ladder valley fence"),
    "unit": _words("day year week month point hour minute"),
    # verbs; the last three lists share no verb with move and path, since their particles would be ambiguous
    "act.politics": _words("""back plan/planned/planned/planning reject support present order approve demand claim
        report visit discuss oppose delay sign call welcome accuse veto/vetoed/vetoed/vetoing protest
        lead/led/led/leading condemn answer rule"""),
    "act.business": _words("""cut/cut/cut/cutting price market offer order buy/bought/bought/buying
        sell/sold/sold/selling raise back report record close plan/planned/planned/planning
        set/set/set/setting value finance lift produce return share stock reduce launch ship/shipped/shipped/shipping
        limit forecast/forecast/forecast/forecasting"""),
    "act.sport": _words("""lead/led/led/leading win/won/won/winning play watch miss test record face
        fight/fought/fought/fighting lose/lost/lost/losing close start score hit/hit/hit/hitting back
        leave/left/left/leaving draw/drew/drawn/drawing join train return sign drop/dropped/dropped/dropping"""),
    "act.life": _words("""watch report attack search charge find/found/found/finding leave/left/left/leaving kill
        help hit/hit/hit/hitting see/saw/seen/seeing damage fight/fought/fought/fighting close present
        hold/held/held/holding face destroy rescue ship/shipped/shipped/shipping injure visit need"""),
    "move": _words("""rise/rose/risen/rising fall/fell/fallen/falling drop/dropped/dropped/dropping gain
        slip/slipped/slipped/slipping jump climb ease return start close recover decline slow"""),
    "path": _words("""run/ran/run/running turn look move come/came/come/coming walk pull drive/drove/driven/driving
        go/went/gone/going back march/marched/marched/marching climb pass"""),
    "seem": _words("look seem stay remain appear sound"),
    "say": _words("""say/said/said/saying say/said/said/saying say/said/said/saying say/said/said/saying
        say/said/said/saying say/said/said/saying add report claim warn argue announce fear hope note believe deny
        insist think/thought/thought/thinking"""),
    "want": _words("""plan/planned/planned/planning want try hope offer agree need demand refuse fail move
        threaten seek/sought/sought/seeking"""),
    "beat": _words("""beat/beat/beaten/beating face meet/met/met/meeting play defeat hold/held/held/holding
        thrash crush visit outplay host"""),
    "set_up": _words(
        "set/set/set/setting pick back run/ran/run/running hold/held/held/holding give/gave/given/giving call"
    ),
    "put_off": _words("call put/put/put/putting pull break/broke/broken/breaking play"),
    "turn_down": _words("turn play bring/brought/brought/bringing shut/shut/shut/shutting hand"),
    "carry_out": _words("carry point rule pull call work"),
    "take_over": _words("take/took/taken/taking turn hand look"),
    "carry_on": _words("carry hold/held/held/holding press keep/kept/kept/keeping"),
    "give_up": _words("give/gave/given/giving show open hold/held/held/holding sign"),
    "break_down": _words("break/broke/broken/breaking step stand/stood/stood/standing"),
    # adjectives and adverbs
    "quality": _words("""new early present close late hard last open recent major strong big former limited
        possible key small isolated long heavy united private weak regional quiet general future
        military costly bitter popular sudden"""),
    "state": _words("""likely closed present ready open limited determined close clear mixed isolated able hard early
        late confident united certain worried possible happy complicated fit silent quiet back"""),
    "manner": _words("""quickly early hard only also late now just still again close badly already sharply slowly well
        rarely twice nearly publicly finally"""),
    "degree": _words("very too more so less quite only still most"),
    # names
    "first": _words("""John Mark Will Michael Anna Bill Jordan Peter Frank Maria Chelsea David Grant Sydney Paul
        Georgia Ivan Rose Carlos Florence Martin Israel Elena Chad Thomas Victoria Austin Ahmed Santiago Olga
        Morgan Pierre Karen Kent Luis Hassan Yuri Nina Pat Sue"""),
    "last": _words("""Ford Brown Washington Smith Price Lincoln Young Banks Houston Morgan Grant Jordan Rose
        Hamilton Clark Page Field Preston March Bolton Phillips Ivanov Dell Sharp Wellington Garcia Best
        Muller Austin Short Disney Rossi Head Lancaster Lee Bond Kim Wall Nilsson Kohl Moreau"""),
    "city": _words("""London Washington Paris Lincoln Houston Sydney Florence Leeds Moscow Bolton Santiago Preston
        Hamilton Austin Milan Wellington Reading Madrid Victoria Barcelona Nice Tokyo Derby Munich Geneva
        Lancaster Bordeaux Cairo Orlando Jakarta Mobile Sofia"""),
    "country": _words("""England Germany Brazil Jordan Georgia Israel France Italy Chad Japan Turkey Spain Russia
        Australia China Chile Sweden Iraq Mexico Kenya Pakistan Canada Peru"""),
    "company": _words("""Ford Boeing Morgan Disney Dell Siemens Phillips Sharp Reuters Orange Shell Apple Chase
        Renault Volvo Target Mobil Olivetti Gap Nokia Visa Fiat"""),
    "club": _words("""Chelsea Leeds Barcelona Ajax Milan Bolton Arsenal Derby Juventus Preston Houston Reading
        Madrid Santos Orlando Boston Celtic Porto"""),
    "nationality": _words("""German French Israeli Russian Brazilian English Italian Spanish Japanese Chinese Turkish
        Iraqi Swedish Australian Canadian Kenyan Mexican Jordanian"""),
    "people": _words("Germans Russians Israelis Italians Americans Serbs Kurds Brazilians Australians Iraqis Moslems"),
    "acronym": _words("EU IMF NATO FBI OPEC WTO PLO UEFA"),
    "ministry": _words("Finance Defence Trade Health Interior Justice"),
    "suffix": _words("Inc. Corp. Ltd. Group Co. Bank Motors Holdings"),
    "institution": _words("University Council Hospital Police Bank Court Times"),
    "club_suffix": _words("United City Rovers Athletic Town Wanderers"),
    "landmark": _words("County Street Airport Island Valley River Park"),
    "region": _words("South North East New West"),
    "tournament": _words("Cup Open Trophy Classic League"),
    "title": _words("Mr. Mrs. President General Senator Judge Dr. Ms. Captain"),
    "month": _words("May August March June January December"),
    "day": _words("Monday Sunday Friday Wednesday Tuesday Saturday Thursday"),
    # numbers
    "count": _words("two three # ## five six 1# twelve ## one ### seven 2,###"),
    "decimal": _words("#.# ##.# #.## 1##.#"),
    "amount": _words("## #.# ### 1.# ##.#"),
    "score": _words("2-1 1-0 #-# 3-1 6-# #-0"),
    "year": _words("199# 198# 19##"),
    "date": _words("1996-08-2# 1996-12-1# 1996-11-0#"),
    "rank": _words("#. 1#. #. 2#."),
    "age": _words("2# 3# 4# 6# ##"),
    "digit": _words("# # 0"),
}

# An invented name is a stem, maybe a link, and an ending. Classes share some endings, so that the form often does not
# show the class of a name.
STEMS = _words("""Kar Bel Vor Mal Hal Dun Tel Gar Bre Sto Lan Mor Pel Ras Wen Tor Cal Fen Ost Zel Nor Hav Kin Dar Sel
    Ulm Bar Gri Tam Ver""")
LINKS = ("", "", "er", "in", "an", "el", "mer", "kov")
ENDINGS: dict[str, tuple[str, ...]] = {
    "last": _words("ton ford ley berg son ov ez ini sen man ic wick"),
    "city": _words("ton ford ley berg burg ville sk ia port ham a wick"),
    "company": _words("ton ford ley ex co tel ia a dyne berg"),
    "club": _words("ton ford ley berg burg ville sk ham a wick"),
    "first": _words("a o in er ie is"),
    "country": _words("ia land stan a istan"),
}


def inflect(lemma: str, tag: str) -> str:
    """The form of a lemma of `WORDS` for a Penn tag; tags without an inflected form give the lemma itself."""
    base, *irregular = lemma.split("/")
    match tag:
        case "NNS":
            return irregular[0] if irregular else _with_s(base)
        case "VBZ":
            return _with_s(base)
        case "VBD" | "VBN" | "VBG" if irregular:
            return irregular[("VBD", "VBN", "VBG").index(tag)]
        case "VBD" | "VBN":
            return base[:-1] + "ied" if _ends_in_consonant_y(base) else base.removesuffix("e") + "ed"
        case "VBG":
            return (base if base.endswith("ee") else base.removesuffix("e")) + "ing"
        case _:
            return base


def _with_s(word: str) -> str:
    if _ends_in_consonant_y(word):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")


def _ends_in_consonant_y(word: str) -> bool:
    return word.endswith("y") and word[-2] not in "aeiou"


def invent(name: str, pick: Callable[[Sequence[str]], str]) -> str:
    """An invented name of a class of `ENDINGS`."""
    return pick(STEMS) + pick(LINKS) + pick(ENDINGS[name])


# Noun phrases, names, times, places and sums, in the notation of the sentences (see demo.py).
PHRASES = """
subject
  2 subject_sg
  1 subject_pl
subject_sg
  8 agent_sg
  1 [NP he|she|it/PRP ]
  1 [NP <PER person_name > ] ,/, [NP age:CD ] ,/,
  1 [NP <PER person_name > ] ,/, [NP the|a/DT role:NN ] [PP of|at/IN ] organisation ,/,
  1 [NP <PER person_name > ] ,/, [NP who/WP ] verb_sg(act) object ,/,
  1 organisation ,/, [NP which/WDT ] verb_sg(act) object ,/,
subject_pl
  6 agent_pl
  1 [NP they|we/PRP ]
agent
  3 agent_sg
  1 agent_pl
agent_sg
  6 [NP determiner_sg modifier? role:NN ]
  4 person
  3 organisation
  1 owner [NP 's/POS role:NN ]
  1 [NP determiner_sg role:NN ] [NP who/WP ] verb_sg(act) object
  1 [NP determiner_sg role:NN ] [PP of|at/IN ] organisation
  1 [NP determiner_sg role:NN ] [PP in|from/IN ] place
  1 [NP determiner_sg role:NN ] [VP act:VBN ] [PP by/IN ] agent
agent_sg.politics
  6 [NP determiner_sg modifier? role:NN ]
  4 person
  1 organisation
  3 place
  1 owner [NP 's/POS role:NN ]
  1 [NP determiner_sg role:NN ] [NP who/WP ] verb_sg(act) object
  1 [NP the/DT nation ministry ]
agent_pl
  5 [NP determiner_pl? modifier? role:NNS ]
  1 [NP <MISC people:NNPS > ]
  1 [NP role:NNS and/CC role:NNS ]
  1 person and/CC person
  1 [NP role:NNS ] [NP who/WP ] verb_pl(act) object
  1 [NP role:NNS ] [VP act:VBN ] [PP by/IN ] agent
person
  5 [NP <PER person_name > ]
  2 [NP title:NNP <PER last:NNP > ]
  1 [NP <ORG organisation_name > role:NN <PER first:NNP last:NNP > ]
  2 [NP modifier? role:NN <PER person_name > ]
player
  1 [NP nation? <PER person_name > ]
team
  1 [NP <ORG team_name > ]
organisation
  4 [NP <ORG organisation_name > ]
  1 [NP the/DT <ORG acronym:NNP > ]
place
  6 [NP <LOC place_name > ]
  1 [NP <LOC city:NNP > ] ,/, [NP <LOC country:NNP > ]
owner
  2 [NP the/DT modifier? role:NN ]
  1 [NP <PER person_name > ]
  2 organisation
  2 [NP <LOC country|city:NNP > ]
owner.sport
  2 [NP the/DT modifier? role:NN ]
  1 [NP <PER person_name > ]
  4 team
object
  6 thing
  2 agent
  1 [NP him|her|them|it/PRP ]
thing
  2 thing_sg
  1 thing_pl
thing_sg
  6 [NP determiner_sg modifier? thing:NN ]
  1 [NP quality:JJ? mass:NN ]
  2 [NP determiner_sg thing:NN thing:NN ]
  2 owner [NP 's/POS modifier? thing:NN ]
  1 [NP determiner_sg <ORG organisation_name > thing:NN ]
  1 [NP a/DT $/$ amount:CD million|billion/CD thing:NN ]
  2 [NP determiner_sg thing:NN ] [PP of|on|for|against|with|about/IN ] thing|organisation
  1 [NP determiner_sg thing:NN ] [PP in|from/IN ] thing|place
  2 [NP determiner_sg thing:NN ] [VP act:VBN ] [PP by/IN ] agent
  1 [NP determiner_sg thing:NN ] [NP that|which/WDT ] verb_sg(act) object
  1 [NP determiner_sg thing:NN ] [NP that/WDT ] agent [VP act:VBD ]
  1 [NP determiner_sg thing:NN ] [VP to/TO act:VB ] object
thing_pl
  6 [NP determiner_pl? modifier? thing:NNS ]
  1 [NP thing:NN thing:NNS ]
  1 [NP thing:NNS and/CC thing:NNS ]
  1 owner [NP 's/POS thing:NNS ]
  1 [NP <ORG organisation_name > thing:NNS ]
  1 [NP determiner_pl thing:NNS ] [PP of|on|for|against|with|about/IN ] thing|organisation
  1 [NP determiner_pl thing:NNS ] [PP in|from/IN ] thing|place
  1 [NP determiner_pl thing:NNS ] [VP act:VBN ] [PP by/IN ] agent
  1 [NP determiner_pl thing:NNS ] [NP that|which/WDT ] verb_pl(act) object
determiner_sg
  6 the/DT
  3 a/DT
  2 this|that|another|no|each/DT
  2 his|her|its|their/PRP$
determiner_pl
  4 the/DT
  2 some|all|these|both|no/DT
  2 his|her|its|their/PRP$
  1 count:CD
  1 more|fewer/JJR
modifier
  6 quality:JJ
  2 nation
  1 very|too|so/RB quality:JJ
  1 act:VBN|VBG
nation
  1 <MISC nationality:JJ >

person_name
  1 first:NNP last:NNP
  1 last:NNP
organisation_name
  6 company:NNP
  2 company|last:NNP suffix:NNP
  1 city:NNP institution:NNP
organisation_name.sport
  1 team_name
team_name
  4 club:NNP
  2 city:NNP club_suffix:NNP?
  3 country:NNP
place_name
  5 city:NNP
  4 country:NNP
  1 region:NNP country:NNP
  1 last:NNP landmark:NNP
city_name
  1 city:NNP
ministry
  1 <ORG ministry:NNP Ministry/NNP >
event_name
  2 nationality:JJ tournament:NNP
  1 World/NNP Cup/NNP
  2 last:NNP tournament:NNP
  1 nationality:JJ Grand/NNP Prix/NNP
when
  4 [PP on/IN ] [NP day:NNP ]
  2 [NP day:NNP ]
  2 [NP yesterday|today/NN ]
  2 [NP last|next/JJ week|month|year/NN ]
  1 [NP this|that/DT week|month|year/NN ]
  2 [PP in/IN ] [NP late|early/JJ? month:NNP ]
  1 [PP in|since|until|before/IN ] [NP month:NNP? year:CD ]
  1 [NP count:CD unit:NNS ] [ADVP ago|back/RB ]
  1 [NP count:CD unit:NNS ] [ADVP earlier|later/RBR ]
  1 [ADVP late|early/RB ] [PP on/IN ] [NP day:NNP ]
  1 [ADVP again|early|late|now|once/RB ]
  2 [PP after|before|since|until|despite|during/IN ] thing
  1 [PP at/IN ] [NP present/NN ]
where
  4 [PP in|near|from|outside/IN ] place
  1 [PP at|on|near|behind/IN ] [NP the/DT modifier? thing|route:NN ]
money
  2 [NP $/$ amount:CD million|billion/CD ]
  1 [NP amount:CD million/CD pounds|dollars|marks/NNS ]
from_to
  1 [PP to/TO ] money [PP from/IN ] money
year_before
  1 [NP a/DT year/NN ] [ADVP earlier/RBR ]
  1 [NP the/DT year/NN ] [ADVP before/RB ]
"""
