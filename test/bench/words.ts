/** Words of support, coding and office conversations, the frequent ones first. */
export const WORDS =
  `the to of and a in is that for it you on with as are be this or have not can from your if but we at an
will by our was all use which they more when one should there about how do any has what so no into only also then than like
time order data customer account please file value user email error code request service answer question would need first
after because their new other each before report team model change could them just make where between these does some its
product version table number example system check return call list team's update message line price day week page result
name test item case step problem right still same over set add show find work works working support following include
without while both most many every such under least last next available address payment invoice delivery shipping refund
contract policy section document summary details question's reason issue access password login session token limit rate
response latency server client database query index column row schema key field function method class object string array
boolean null undefined parameter argument type interface module package library import export build deploy release branch
commit merge review pull push rebase pipeline job worker thread process memory cache storage disk network timeout retry
failure exception stack trace log metric alert dashboard monitor threshold average median percentile total sum count
minimum maximum increase decrease growth revenue cost margin budget forecast quarter year month annual monthly weekly daily
meeting agenda minutes decision owner deadline milestone project plan risk scope requirement feature bug ticket priority
severity status open closed pending resolved escalated assigned approved rejected cancelled confirmed completed scheduled
morning afternoon evening yesterday today tomorrow currently recently usually probably certainly approximately exactly
however therefore although instead otherwise meanwhile furthermore additionally finally firstly secondly nevertheless
kitchen garden window weather travel flight hotel booking reservation passenger luggage passport airport station platform
doctor patient symptom treatment dosage prescription appointment insurance coverage deductible claim premium liability
recipe ingredient flour butter sugar oven temperature minutes's mixture bowl salt pepper onion garlic tomato chicken
mountain river forest island harbour bridge castle museum gallery theatre concert festival holiday weekend journey ticket's
colour shape size weight length width height depth surface material cotton leather wooden metal plastic glass ceramic
equation variable constant derivative integral matrix vector probability distribution variance sample hypothesis experiment
algorithm complexity recursion iteration sorting binary search graph node edge tree queue heap hash pointer reference
encryption certificate signature authentication authorization permission role group tenant region zone cluster container
image registry volume replica gateway proxy router balancer firewall subnet endpoint protocol header payload encoding
translate explain compare describe rewrite summarize analyse evaluate estimate recommend suggest improve simplify clarify
paragraph sentence phrase tone formal friendly concise audience headline draft outline chapter essay article newsletter
supplier warehouse inventory stock shipment carrier tracking parcel label customs tariff export's freight container's pallet
candidate interview salary benefit vacation overtime onboarding training certificate's manager employee department hiring
Zürich München Genève façade naïve résumé Łódź São`
    .split(/\s+/)
    .filter((word) => word.length > 0)

export const GIVEN_NAMES =
  `Anna Ben Carla David Elena Farid Grace Hugo Ines Jonas Karin Liam Mira Noah Olga Pedro Qing Rosa
Samir Tara Umar Vera Wei Xenia Yusuf Zoe`.split(/\s+/)

export const SURNAMES =
  `Adler Brown Costa Dubois Ekström Fischer Garcia Huber Ivanova Jensen Kowalski Lopez Martin Novak
Okafor Patel Quist Rossi Schmidt Tanaka Urban Vogel Weber Xu Young Zimmer`.split(/\s+/)
