import time
from mathgloss.linking.linker import Linker
from mathgloss.linking.candidates import Query
from mathgloss.linking.ranking import load_model
def test_x(bundled_catalogue):
    t=time.time(); L=Linker(bundled_catalogue,load_model()); print(len(bundled_catalogue), len(bundled_catalogue.names), L.model.review)
    qs=[Query(*a) for a in [("group",),("Abelian groups",),("group, abelian",),("rank of a matrix",),("matrix rank",),("anneau","fr"),("anello","it"),("anell","ca"),("gruppo","it"),("grupp","sv"),("groep","nl"),("left coset",),("quasi-coset",),("quasi-coherent sheaf",),("nice coherent sheaf",),("kernel",),("normal",),("kernel (algebra)",),("field (physics)",),("corps","fr"),("Körper","de"),("x",),("",),("مجموعة","ar"),("زمرة","ar"),("coset","zz"),("coset","not a tag"),("group","ru"),("bijective map",),("twisted Lie superalgebra",),("flabby blob",),("field",),("boundary of a manifold",),("finite abelian group",),("compact spaces",),("compact space",),("continuous mapping",),("continuity",),("derived category of sheaves",),("quasi-group",),("differentiable",),("prime",),("ring (mathematics)",),("ring (algebra)",),("ring (jewellery)",),("abelain group",),("\u202eabelian group",),("group\u200b",),("$G$-torsor",),("group of units of a ring of integers in a number field is nice",)]]
    for q,l in zip(qs,L.link(qs)):
        print(q.label[:40],q.lang, l.zone, [(c.concept,c.label,c.confidence) for c in l.candidates][:3], l.nearest and (l.predicate,l.nearest.concept, l.nearest.label), l.reason[:90])
    print(time.time()-t)
